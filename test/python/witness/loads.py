"""Makes code of each kind in DIRECTORY, loads it in each way, and prints the paths of the loaded files."""

import ctypes
import importlib
import os
import py_compile
import runpy
import shutil
import site
import sys
import sysconfig
import threading
import zipfile

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

directory = sys.argv[1]
sys.path.insert(0, directory)


def make(name, text="pass\n"):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


def loaded(path):
    sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    sys.stdout.flush()


def load(name):
    loaded(importlib.import_module(name).__file__)


# Loads source: in a package, with a byte in its name that is not UTF-8, a second time, in a thread, in a fork, and in
# another interpreter.
loaded(make("package/__init__.py"))
for name in ("plain", "package.inner", "package.\u00e9\udce9", "threaded", "forked", "inside"):
    make(name.replace(".", "/") + ".py")
load("plain")
load("package.inner")
load("package.\u00e9\udce9")
importlib.reload(sys.modules["plain"])
thread = threading.Thread(target=load, args=["threaded"])
thread.start()
thread.join()
child = os.fork()
if child == 0:
    load("forked")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
interpreter = interpreters.create()
interpreters.run_string(interpreter, "import sys\nsys.path.insert(0, %r)\nimport inside" % directory)
interpreters.destroy(interpreter)
loaded(os.path.join(directory, "inside.py"))

# Loads bytecode: first beside its source, which py_compile reads, and then without a source.
loaded(make("cached.py"))
loaded(py_compile.compile(os.path.join(directory, "cached.py")))
import cached
alone = os.path.join(directory, "alone.pyc")
shutil.copy(cached.__cached__, alone)
load("alone")

# Loads an archive, which is opened again for its second module, then the lines of a .pth file, and then a script
# without an extension.
archive = os.path.join(directory, "archive.zip")
with zipfile.ZipFile(archive, "w") as file:
    file.writestr("zipped.py", "")
    file.writestr("again.py", "")
sys.path.insert(0, archive)
import zipped, again
loaded(archive)
loaded(make("sites/lines.pth", "import sys\n"))
site.addsitedir(os.path.join(directory, "sites"))
runpy.run_path(make("script"))
loaded(os.path.join(directory, "script"))

# Loads native code: an extension module, and a library.
suffix = sysconfig.get_config_var("EXT_SUFFIX")
for name in ("_lsprof", "termios"):
    shutil.copy(os.path.join(sysconfig.get_config_var("DESTSHARED"), name + suffix), directory)
load("_lsprof")
library = os.path.join(directory, "termios" + suffix)
ctypes.CDLL(library)
loaded(library)
