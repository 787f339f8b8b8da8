"""Loads code over and over, and prints what a round of that leaves behind: octets of malloc(), CPython's blocks, descriptors. WORK PLACE"""

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
    # The importer that keeps what an archive has in it is made anew.
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
    """What a plain Python does."""
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


# What is made once is made by the first; a table that grows does so in one of the five others.
counts = []
for _ in range(6):
    for _ in range(ROUNDS):
        globals()[work]()
    measure()
    counts.append(measure())
left = [[(after - before) / ROUNDS for before, after in zip(*pair)] for pair in zip(counts, counts[1:])]
print(json.dumps([min(each) for each in zip(*left)]))
