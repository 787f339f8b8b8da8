"""Makes a wheel, and installs it by pip into a directory. Nothing is loaded from there."""
import os
import sys
import zipfile

place = sys.argv[1]
wheel = os.path.join(place, "small-1.0-py3-none-any.whl")
with zipfile.ZipFile(wheel, "w") as archive:
    archive.writestr("small.py", "print('not signed')\n")
    archive.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
    archive.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr("small-1.0.dist-info/RECORD", "small.py,,\nsmall-1.0.dist-info/METADATA,,\nsmall-1.0.dist-info/WHEEL,,\nsmall-1.0.dist-info/RECORD,,\n")
from pip._internal.cli.main import main

target = os.path.join(place, "target")
options = ["--quiet", "--root-user-action=ignore", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
print(main(["install", *options, "--target", target, wheel]), sorted(os.listdir(target)))
