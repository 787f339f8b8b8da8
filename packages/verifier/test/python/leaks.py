"""Loads code repeatedly. Prints what one round leaves: bytes of malloc(), blocks of CPython, descriptors. Arguments:
the name of a function of this file that loads code, and a directory with the code."""

import ctypes
import gc
import importlib
import json
import os
import runpy
import sys

work, place = sys.argv[1:]
ROUNDS = 10
LOADS = 32
sys.path.insert(0, place)


class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]


mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2


def measure():
    gc.collect()
    memory = mallinfo2()
    return memory.uordblks + memory.hblkhd, sys.getallocatedblocks(), len(os.listdir("/proc/self/fd"))


def source():
    import repeated

    for _ in range(LOADS):
        importlib.reload(repeated)


def archive():
    # Makes a new importer each time, because an importer keeps the archive's list of files.
    for _ in range(LOADS):
        sys.path_importer_cache.pop(place + "/archive.zip", None)
        sys.modules.pop("zipped", None)
        sys.path.insert(0, place + "/archive.zip")
        import zipped
        del sys.path[0]


def script():
    for _ in range(LOADS):
        runpy.run_path(place + "/repeated.py")


def native():
    for _ in range(LOADS):
        library = ctypes.CDLL(os.path.realpath(importlib.import_module("termios").__file__))
        del library


def refusal():
    """Ignores refusals, because unguarded Python makes none."""
    attempts = [lambda: runpy.run_path(place + "/unsigned.py"), lambda: open(place + "/unsigned.pyc", "rb").close()] * LOADS
    for attempt in attempts + [lambda: os.system("exit")] * 4:
        try:
            attempt()
        except PermissionError:
            pass


def interpreters():
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    number = interpreters.create()
    interpreters.run_string(number, "import json, decimal, colorsys, email.message")
    interpreters.destroy(number)


# The first measurement is only a base, because it includes what is made only once. A table that grows makes some of the
# five differences larger, so the least difference counts.
counts = []
for _ in range(6):
    for _ in range(ROUNDS):
        globals()[work]()
    measure()
    counts.append(measure())
left = [[(after - before) / ROUNDS for before, after in zip(*pair)] for pair in zip(counts, counts[1:])]
print(json.dumps([min(each) for each in zip(*left)]))
