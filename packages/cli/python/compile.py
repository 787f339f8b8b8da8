"""Compiles sources into unchecked .pyc files. Python loads such a file without comparing it with its source, which is
safe because a signature covers both files.

    python3 compile.py DIRECTORY < names relative to DIRECTORY, each ended by a NUL

Prints one line of JSON for each source, and for each unchecked .pyc without a compiled source. Compiles each source in a
separate child process. So a source always gives the same bytes, and a crash of the compiler affects no other source.

If the system refuses to read or write a file, such as on a full disk, the last line says so: nothing more is compiled,
and each .pyc is either as it was before or complete.
"""

import contextlib
import errno
import json
import marshal
import os
import py_compile
import shutil
import sys
import tempfile
import warnings
from importlib.util import cache_from_source, source_from_cache

# Python itself ends with 1 or 2 after an error, so the statuses of the child processes are others.
SAME, MADE, FAILED, STOPPED = range(10, 14)
HEADER_BYTES = 16
UNCHECKED = (1).to_bytes(4, "little")
# These errors say nothing about a source: its .pyc must stay.
OF_THE_SYSTEM = (errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
# A pipe has room for this number of bytes, so a child process never waits until its message is read.
MESSAGE_BYTES = 4096


class Stopped(Exception):
    """Tells which file the system refused to read or write."""

    def __init__(self, action, path, problem):
        super().__init__(action, path)
        # An OSError without a number is how Python says that a write took only a part.
        code = errno.errorcode.get(problem.errno or errno.ENOSPC, "EIO")
        self.facts = {"state": "stopped", "action": action, "path": path, "code": code}


def main():
    warnings.simplefilter("ignore")
    os.chdir(sys.argv[1])
    names = [os.fsdecode(name) for name in sys.stdin.buffer.read().split(b"\0") if name]
    try:
        temporary = tempfile.mkdtemp()
    except OSError as problem:
        # Without a path, no directory could be used, and Python says ENOENT whatever the cause was.
        raise Stopped("use the directory for temporary files", tempfile.tempdir, problem)
    try:
        compile_all([name for name in names if name.endswith(".py")], temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for name in names:
        if name.endswith(".pyc") and os.path.basename(os.path.dirname(name)) == "__pycache__" and is_unchecked(name):
            judge_leftover(name)


def compile_all(sources, temporary):
    running = {}
    most = os.cpu_count() or 1
    try:
        for source in sources:
            if len(running) == most:
                reap(running)
            start(source, temporary, running)
        while running:
            reap(running)
    except Stopped:
        while running:  # These are complete, or stopped by the same cause.
            with contextlib.suppress(Stopped):
                reap(running)
        raise


def start(source, temporary, running):
    try:
        reading, writing = os.pipe()
        child = os.fork()
    except OSError as problem:
        raise Stopped("start a process for", source, problem)
    if child == 0:
        status = STOPPED
        try:
            status, message = compile_one(source, os.path.join(temporary, str(os.getpid())))
            os.write(writing, message.encode("utf-8", "backslashreplace")[:MESSAGE_BYTES])
        finally:
            os._exit(status)
    os.close(writing)
    running[child] = source, reading


def compile_one(source, made):
    """Returns the exit status of the child process that calls it, and a message: text, or the facts of `Stopped`."""
    try:
        return compile_into(cache_from_source(source, optimization=""), source, made)
    except Stopped as stopped:
        return STOPPED, json.dumps(stopped.facts)
    except Exception as problem:
        return FAILED, str(problem)


def compile_into(target, source, made):
    if os.path.islink(os.path.dirname(target)):
        return failed(target, os.path.dirname(target) + " is a link")
    try:
        with open(source, "rb") as file:
            file.read()  # So an OSError of py_compile is about the file that it writes.
    except OSError as problem:
        if problem.errno in OF_THE_SYSTEM:
            raise Stopped("read", source, problem)
        return failed(target, str(problem))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        py_compile.compile(source, made, source, doraise=True, invalidation_mode=mode)
    except OSError as problem:
        raise Stopped("write", made, problem)
    except Exception as problem:
        return failed(target, str(getattr(problem, "exc_value", problem)))
    code = read(made)
    os.unlink(made)
    try:
        marshal.loads(code[HEADER_BYTES:])
    except (EOFError, ValueError, TypeError):
        # Earlier releases of Python do not notice that a write took only a part.
        raise Stopped("write", made, OSError(errno.ENOSPC, ""))
    if os.path.isfile(target) and not os.path.islink(target) and read(target) == code:
        return SAME, ""
    replace(target, code)
    return MADE, ""


def failed(target, message):
    if is_unchecked(target):
        remove(target)  # This .pyc was made from an earlier source.
    return FAILED, message


def remove(name):
    try:
        os.unlink(name)
    except OSError as problem:
        raise Stopped("remove", name, problem)


def replace(target, code):
    beside = target + ".new"
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(beside):
            os.unlink(beside)
        with open(beside, "xb") as file:
            try:
                file.write(code)
                file.flush()
                os.replace(beside, target)
            except BaseException:
                os.unlink(beside)
                raise
    except OSError as problem:
        raise Stopped("write", target, problem)


def reap(running):
    child, status = os.wait()
    source, reading = running.pop(child)
    with open(reading, "rb") as pipe:
        message = pipe.read().decode(errors="replace")
    state = os.WEXITSTATUS(status) if os.WIFEXITED(status) else FAILED
    if state == STOPPED:
        stopped = Stopped("compile", source, OSError(errno.EINTR, ""))
        try:
            stopped.facts = json.loads(message)
        except ValueError:
            pass  # Ctrl-C interrupted the child process, or the path was too long for the message.
        raise stopped
    if state in (SAME, MADE):
        tell(source=source, state="same" if state == SAME else "made", pyc=cache_from_source(source, optimization=""))
    else:
        tell(source=source, state="failed", message=message or "the compiler crashed")


def judge_leftover(name):
    try:
        source = source_from_cache(name)
    except ValueError:
        source = None
    if source is not None and not os.path.lexists(source) and cache_from_source(source, optimization="") == name:
        remove(name)
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
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as problem:
        raise Stopped("read", name, problem)


def tell(**facts):
    print(json.dumps(facts))


try:
    main()
except Stopped as stopped:
    tell(**stopped.facts)
