#!/bin/sh
# On the build machine again: the signed catalog has to be of the files that are here, by the signer that is expected.
#
#   SIGN_CERT=release.crt ./publish.sh APP_DIRECTORY SIGNED_CATALOG
set -eu

app=$1
signed=$2

cp "$signed" "$app/$(basename "$app").cat"
sigtool verify "$app" --trust "$SIGN_CERT"
