"""Loads about 340 modules of the standard library, and ends. With the argument `count`, prints their number."""

import importlib
import sys

MODULES = """argparse ast asyncio base64 bz2 calendar cmd code codecs concurrent.futures configparser contextlib copy csv
ctypes.util dataclasses datetime decimal difflib dis doctest email.mime.multipart email.mime.text enum fileinput fnmatch fractions
ftplib getopt getpass gettext glob gzip hashlib heapq hmac html.parser http.client http.cookiejar http.cookies http.server imaplib
inspect ipaddress json locale logging.config logging.handlers lzma mailbox mimetypes mmap multiprocessing.managers
multiprocessing.pool netrc optparse pathlib pickle pickletools pkgutil platform plistlib poplib pprint profile pstats pty
py_compile queue quopri random readline resource runpy sched secrets selectors shelve shlex shutil signal smtplib socketserver
sqlite3 ssl statistics string stringprep subprocess sysconfig tarfile tempfile termios textwrap threading timeit tokenize trace
traceback tracemalloc typing unittest.mock urllib.request uuid venv warnings wave weakref wsgiref.simple_server xml.dom.minidom
xml.etree.ElementTree xml.sax xmlrpc.client zipfile encodings.idna encodings.cp1252 encodings.latin_1 encodings.gb2312""".split()

for name in MODULES:
    importlib.import_module(name)
if "count" in sys.argv:
    modules = list(sys.modules.values())
    files = [str(getattr(module, "__cached__", None) or getattr(module, "__file__", None)) for module in modules]
    kinds = [sum(file.endswith(kind) for file in files) for kind in (".pyc", ".so")]
    print("%d modules, %d of them bytecode, %d extension modules" % (len(modules), *kinds))
