"""Does the same as load-modules.py, with modules from the archive lib.zip in the same directory."""

import os
import runpy
import sys

directory = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(directory, "lib.zip"))
runpy.run_path(os.path.join(directory, "load-modules.py"))
