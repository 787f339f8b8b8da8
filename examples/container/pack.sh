#!/bin/sh
# Copies the packages of a release into the directory `packages` of a build context, so that the image needs no registry that
# has them. RELEASE is the folder that `pnpm release` made. The native parts are those for this machine's processor and glibc.
#
#   ./pack.sh CONTEXT RELEASE
set -eu
context=$1
release=$2
case $(uname -m) in
x86_64) processor=x64 ;;
aarch64) processor=arm64 ;;
*) processor=none ;;
esac

mkdir -p "$context/packages"
cp "$release"/sigtool-*.tgz "$context/packages"
for native in "$release/native/sigtool-native-linux-$processor"-[0-9]*.tgz; do
	if [ -e "$native" ]; then cp "$native" "$context/packages"; fi
done
