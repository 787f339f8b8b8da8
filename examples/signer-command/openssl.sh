#!/bin/sh
# Signs with a key in a file. The script only demonstrates the protocol, because `--key` signs with such a key without a
# program.
#
#   SIGN_KEY=release.pem sigtool sign ./lib --signer-command ./openssl.sh --cert release.crt
set -eu

exec openssl dgst "-${SIGTOOL_SIGNER_ALGORITHM##*-}" -sign "$SIGN_KEY"
