"""Acts without an event, like native code: reads a file, maps a library, or starts a shell. Arguments: WAY DIRECTORY"""

import ctypes
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
    libc.dlopen.restype = ctypes.c_void_p
    print("ran" if libc.dlopen(path.encode(), os.RTLD_NOW) else "failed")
elif way == "start":
    libc.system(b"echo ran")
