#!/bin/sh
# Runs on the build machine. Verifies that the signed catalog matches the files here and has the expected signer.
#
#   SIGN_CERT=release.crt ./publish.sh APP_DIRECTORY SIGNED_CATALOG [UNSIGNED_INDEX [OPTIONS OF sigtool compile]]
#
# With UNSIGNED_INDEX it also compiles the trust index without a key, and prints the digest of the index.
set -eu
export SIGTOOL_DEVELOPMENT=refuse

app=$1
signed=$2

cp "$signed" "$app/$(basename "$app").cat"
if [ $# -eq 2 ]; then
	exec sigtool verify "$app" --trust "$SIGN_CERT"
fi
sigtool verify "$app" --trust "$SIGN_CERT" >&2
index=$3
shift 3
report=$(sigtool compile "$app" -o "$index" --trust "$SIGN_CERT" --unsigned --json "$@")
printf '%s\n' "$report" | sed -n 's/^\t"digest": "\(sha256:[0-9a-f]*\)",$/\1/p'
