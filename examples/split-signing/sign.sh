#!/bin/sh
# Runs on the signing machine, which never sees the files. Signs exactly the catalog that the build machine announced.
#
#   SIGN_CERT=release.crt ./sign.sh UNSIGNED DIGEST OUTPUT PREVIOUS KEY_OPTIONS…
#
# UNSIGNED is a catalog or a trust index. PREVIOUS is that of the last release, or the word "first". KEY_OPTIONS say where the key is, as in
# `--pkcs11 'pkcs11:token=release;object=signer' --pkcs11-module MODULE --pin-file FILE`.
set -eu
export SIGTOOL_DEVELOPMENT=refuse

unsigned=$1
digest=$2
output=$3
previous=$4
shift 4

if [ "$previous" = first ]; then
	sigtool finish "$unsigned" -o "$output" --expect-digest "$digest" --cert "$SIGN_CERT" "$@"
else
	# `finish` shows what changed since PREVIOUS, but does not verify PREVIOUS. So its signature is verified here.
	sigtool verify --signature-only "$previous" --trust "$SIGN_CERT"
	sigtool finish "$unsigned" -o "$output" --expect-digest "$digest" --previous "$previous" --cert "$SIGN_CERT" "$@"
fi
