"""Acts without an event, like native code: reads a file, maps a library, or starts a shell. Arguments: WAY DIRECTORY"""

import ctypes
import mmap
import os
import shutil
import sys
import sysconfig

way, directory = sys.argv[1:]
libc = ctypes.CDLL(None)
if way == "open":
    path = os.path.join(directory, "hidden.py")
    with open(path, "w") as file:
        file.write("print('ran')\n")
    buffer = ctypes.create_string_buffer(64)
    libc.read(libc.open(path.encode(), os.O_RDONLY), buffer, 64)
    exec(buffer.value)
elif way == "map":
    name = "termios" + sysconfig.get_config_var("EXT_SUFFIX")
    path = shutil.copy(os.path.join(sysconfig.get_config_var("DESTSHARED"), name), directory)
    libc.mmap.restype = ctypes.c_void_p
    code = mmap.PROT_READ | mmap.PROT_EXEC
    file = libc.open(path.encode(), os.O_RDONLY)
    mapped = libc.mmap(None, ctypes.c_size_t(4096), code, mmap.MAP_PRIVATE, file, ctypes.c_long(0))
    print("ran" if ctypes.string_at(mapped, 4) == b"\x7fELF" else "failed")
elif way == "start":
    libc.system(b"echo ran")
