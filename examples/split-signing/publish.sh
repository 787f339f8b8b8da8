#!/bin/sh
# Runs on the build machine. Verifies that the signed catalog matches the files here and has the expected signer.
#
#   SIGN_CERT=release.crt ./publish.sh APP_DIRECTORY SIGNED_CATALOG
set -eu
export SIGTOOL_DEVELOPMENT=refuse

app=$1
signed=$2

cp "$signed" "$app/$(basename "$app").cat"
sigtool verify "$app" --trust "$SIGN_CERT"
