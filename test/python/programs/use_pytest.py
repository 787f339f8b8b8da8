"""Runs the tests beside it. pytest puts files in the place of standard output and error meanwhile."""
import os
import sys
import pytest

project = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tests_project")
options = ["-qq", "-p", "no:cacheprovider", "--assert=plain", "--no-header", "-rN", f"--basetemp={sys.argv[1]}/pytest"]
print(int(pytest.main([*options, "--tb=no", project])))
