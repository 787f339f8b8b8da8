"""Computes in a pool of forked processes, by multiprocessing and by concurrent.futures."""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def square(number):
    return number * number


context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    print(pool.map(square, range(5)))
with ProcessPoolExecutor(2, mp_context=context) as executor:
    print(list(executor.map(square, range(5, 8))))
