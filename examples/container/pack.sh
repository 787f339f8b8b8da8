#!/bin/sh
# Packs sigtool's own packages from this repository into the directory `packages` of a build context, so that the image needs no
# registry that has them:
#
#   ./pack.sh CONTEXT
set -eu
context=$(realpath "$1")
cd "$(dirname "$0")/../.."
for package in core native verifier cli; do
	(cd "packages/$package" && npx -y pnpm@12 pack --pack-destination "$context/packages")
done
