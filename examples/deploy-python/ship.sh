#!/bin/sh
# Signs a Python service with its bytecode, verifies it, and compiles one trust index over the service and Python's
# library. Run this script in an image or on a host that has the same library as the one where the service runs.
#
#   SIGN_KEY=release.pem SIGN_CERT=release.crt ./ship.sh APP_DIRECTORY OUTPUT_DIRECTORY [POLICY]
#
# PYTHON is the interpreter. LIBRARY lists the directories from which PYTHON loads modules, as `sigtool python build`
# prints them.
set -eu
export SIGTOOL_DEVELOPMENT=refuse

app=$1
out=$2
policy=${3:-}
product=${PRODUCT:-$(basename "$app")}
python=${PYTHON:-/usr/bin/python3}
library=${LIBRARY:-/usr/lib/python3.13 /usr/local/lib/python3.13 /usr/lib/python3 /etc/python3.13}

set --
for directory in $library; do
	if [ -d "$directory" ]; then set -- "$@" --adopt "$directory"; fi
done
mkdir -p "$out"
sigtool sign "$app" --compile-python --python "$python" --product "$product" --key "$SIGN_KEY" --cert "$SIGN_CERT"
sigtool verify "$app" --product "$product" --trust "$SIGN_CERT"
sigtool compile "$app" "$@" -o "$out/$product.sigx" --trust "$SIGN_CERT" --key "$SIGN_KEY" --cert "$SIGN_CERT" \
	${policy:+--policy "$policy"}
