#!/bin/sh
# Signs in a PKCS#11 token through openssl and pkcs11-provider, for a system on which `--pkcs11` is not available.
# openssl reads the PIN from the file that the URI names.
#
#   SIGN_URI='pkcs11:token=release;id=%01;type=private?pin-source=file:/run/secrets/pin' \
#   PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so \
#       sigtool sign ./lib --signer-command ./pkcs11.sh --cert release.crt
set -eu

export OPENSSL_CONF="$(dirname "$0")/pkcs11.cnf"
exec openssl dgst "-${SIGTOOL_SIGNER_ALGORITHM##*-}" -sign "$SIGN_URI"
