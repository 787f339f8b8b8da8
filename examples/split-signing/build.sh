#!/bin/sh
# On the build machine, which has no key: writes what is to be signed, and prints the digest to sign it by.
#
#   ./build.sh APP_DIRECTORY OUTPUT_DIRECTORY [OPTIONS OF sigtool sign]
#
# OUTPUT_DIRECTORY/unsigned.cat goes to the signing machine; the digest goes there by another way than the file.
set -eu

app=$1
out=$2
shift 2

mkdir -p "$out"
# In its usual place, where it will lie signed, too: so that no rule is needed that keeps it out of the next release.
report=$(sigtool sign "$app" --unsigned --json "$@")
cp "$app/$(basename "$app").cat" "$out/unsigned.cat"
printf '%s\n' "$report" | sed -n 's/^\t"digest": "\(sha256:[0-9a-f]*\)",$/\1/p'
