"""Hashes a tree in the way that most people would write first: it reads one file after the other in blocks."""

import hashlib
import os
import sys

BLOCK_BYTES = 65536

for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(directory, name)
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(BLOCK_BYTES), b""):
                digest.update(block)
        print(digest.hexdigest(), "", path)
