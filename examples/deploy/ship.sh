#!/bin/sh
# Signs an application, verifies it, compiles its trust index and packs what a host needs.
#
#   SIGN_KEY=release.pem SIGN_CERT=release.crt ./ship.sh APP_DIRECTORY OUTPUT_DIRECTORY [POLICY]
#
# Run this script where the key is, never where the application runs. SOURCE_DATE_EPOCH makes the output reproducible: the same
# files in a directory of the same path, which the index records, the same RSA key and the same time give the same bytes. It needs
# GNU tar.
set -eu
export SIGTOOL_DEVELOPMENT=refuse

app=$1
out=$2
policy=${3:-}
product=${PRODUCT:-$(basename "$app")}

mkdir -p "$out"
sigtool sign "$app" --product "$product" --key "$SIGN_KEY" --cert "$SIGN_CERT"
sigtool verify "$app" --product "$product" --trust "$SIGN_CERT"
sigtool compile "$app" -o "$out/$product.sigx" --trust "$SIGN_CERT" --key "$SIGN_KEY" --cert "$SIGN_CERT" \
	${policy:+--policy "$policy"}
tar -C "$(dirname "$app")" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-$(date +%s)}" \
	-cf "$out/$product.tar" "$(basename "$app")"
