"""The plain loop most people write first: walk, read in blocks, hashlib, print. One file after the other."""

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
