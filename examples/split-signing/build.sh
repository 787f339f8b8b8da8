#!/bin/sh
# Runs on the build machine, which has no key. Writes the unsigned catalog and prints its digest.
#
#   ./build.sh APP_DIRECTORY OUTPUT_DIRECTORY [OPTIONS OF sigtool sign]
#
# Send OUTPUT_DIRECTORY/unsigned.cat to the signing machine. Send the digest by another way than the file.
set -eu
export SIGTOOL_DEVELOPMENT=refuse

app=$1
out=$2
shift 2

mkdir -p "$out"
# sigtool writes the unsigned catalog to the path of the signed one, which it leaves out of every release. So the next
# release needs no rule to leave out the catalog.
report=$(sigtool sign "$app" --unsigned --json "$@")
cp "$app/$(basename "$app").cat" "$out/unsigned.cat"
printf '%s\n' "$report" | sed -n 's/^\t"digest": "\(sha256:[0-9a-f]*\)",$/\1/p'
