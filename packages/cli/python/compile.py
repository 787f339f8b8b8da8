"""Compiles sources into unchecked .pyc files. Python loads such a file without comparing it with its source, which is
safe because a signature covers both files.

    python3 compile.py DIRECTORY < names relative to DIRECTORY, each ended by a NUL

Prints one line of JSON for each source, and for each unchecked .pyc without a compiled source. Compiles each source in a
separate child process. So a source always gives the same bytes, and a crash of the compiler affects no other source.
"""

import json
import os
import py_compile
import shutil
import sys
import tempfile
import warnings
from importlib.util import cache_from_source, source_from_cache

SAME, MADE, FAILED = range(3)
UNCHECKED = (1).to_bytes(4, "little")


def main():
    warnings.simplefilter("ignore")
    os.chdir(sys.argv[1])
    names = [os.fsdecode(name) for name in sys.stdin.buffer.read().split(b"\0") if name]
    temporary = tempfile.mkdtemp()
    try:
        compile_all([name for name in names if name.endswith(".py")], temporary)
    finally:
        shutil.rmtree(temporary)
    for name in names:
        if name.endswith(".pyc") and os.path.basename(os.path.dirname(name)) == "__pycache__" and is_unchecked(name):
            judge_leftover(name)


def compile_all(sources, temporary):
    running = {}
    most = os.cpu_count() or 1
    for source in sources:
        if len(running) == most:
            reap(running, temporary)
        child = os.fork()
        if child == 0:
            os._exit(compile_one(source, os.path.join(temporary, str(os.getpid()))))
        running[child] = source
    while running:
        reap(running, temporary)


def compile_one(source, made):
    """Returns the exit status of the child process that calls it. On failure, writes the message to the file `made`."""
    target = cache_from_source(source, optimization="")
    try:
        if os.path.islink(os.path.dirname(target)):
            raise OSError(os.path.dirname(target) + " is a link")
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(source, made, source, doraise=True, invalidation_mode=mode)
        code = read(made)
        if os.path.isfile(target) and not os.path.islink(target) and read(target) == code:
            return SAME
        replace(target, code)
        return MADE
    except BaseException as problem:
        if is_unchecked(target):
            os.unlink(target)  # This .pyc was made from an earlier source.
        with open(made, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(str(getattr(problem, "exc_value", problem)))
        return FAILED


def replace(target, code):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    beside = target + ".new"
    if os.path.lexists(beside):
        os.unlink(beside)
    with open(beside, "xb") as file:
        file.write(code)
    os.replace(beside, target)


def reap(running, temporary):
    child, status = os.wait()
    source = running.pop(child)
    made = os.path.join(temporary, str(child))
    state = os.WEXITSTATUS(status) if os.WIFEXITED(status) else FAILED
    if state == FAILED:
        message = read(made).decode() if os.path.exists(made) else "the compiler crashed"
        tell(source=source, state="failed", message=message)
    else:
        tell(source=source, state=("same", "made")[state], pyc=cache_from_source(source, optimization=""))
    if os.path.exists(made):
        os.unlink(made)


def judge_leftover(name):
    try:
        source = source_from_cache(name)
    except ValueError:
        source = None
    if source is not None and not os.path.lexists(source) and cache_from_source(source, optimization="") == name:
        os.unlink(name)
        tell(state="removed", pyc=name)
    elif os.path.exists(name):
        tell(state="unchecked", pyc=name)


def is_unchecked(name):
    try:
        with open(name, "rb") as file:
            return file.read(8)[4:] == UNCHECKED
    except OSError:
        return False


def read(name):
    with open(name, "rb") as file:
        return file.read()


def tell(**facts):
    print(json.dumps(facts))


main()
