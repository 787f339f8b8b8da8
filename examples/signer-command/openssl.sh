#!/bin/sh
# Signs with a key in a file. It only demonstrates the protocol: `--key` does the same without a program.
#
#   SIGN_KEY=release.pem sigtool sign ./lib --signer-command ./openssl.sh --cert release.crt
set -eu

exec openssl dgst "-${SIGTOOL_SIGNER_ALGORITHM##*-}" -sign "$SIGN_KEY"
