"""Solves equations, transforms, and draws from a seeded generator."""
import numpy

a = numpy.array([[3.0, 1.0], [1.0, 2.0]])
print(numpy.linalg.solve(a, [9.0, 8.0]).round(6).tolist(), numpy.linalg.eigvalsh(a).round(6).tolist())
print(numpy.abs(numpy.fft.fft(numpy.ones(8))).round(6).tolist())
print(numpy.random.default_rng(7).integers(0, 100, 5).tolist(), numpy.einsum("ij,jk", a, a).tolist())
