"""Writes an archive of the bytecode that load-modules.py loads. Argument: the path of the archive."""

import importlib.util
import os
import runpy
import sys
import sysconfig
import zipfile

sys.argv, target = sys.argv[:1], sys.argv[1]
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "load-modules.py"))
library = sysconfig.get_path("stdlib") + "/"
modules = {getattr(module, "__file__", None): module for module in list(sys.modules.values())}
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    for source, module in modules.items():
        source, cached = source or "", getattr(module, "__cached__", None) or ""
        # Python needs `encodings` before it can read an archive, so `encodings` is not put into the archive.
        if source.startswith(library) and os.path.exists(cached) and not source.startswith(library + "encodings"):
            archive.writestr(source[len(library):] + "c", open(cached, "rb").read())
