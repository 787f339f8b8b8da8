"""As load-modules.py, out of the archive beside it."""

import os
import runpy
import sys

directory = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(directory, "lib.zip"))
runpy.run_path(os.path.join(directory, "load-modules.py"))
