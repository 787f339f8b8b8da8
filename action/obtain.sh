#!/usr/bin/env bash
# Obtains sigtool for the action, and puts it into the PATH of later steps. It comes from the place that the user names,
# with the digest that the user names, and never from a registry.
set -euo pipefail

. "$(dirname "$0")/failure.sh"

if [ "$FROM" = installed ]; then
	# Another program may be called sigtool. None of others is called sigtree.
	program=$(command -v sigtree || command -v sigtool) || fail "Cannot find sigtool in the PATH: name a file or a URL with the input sigtool"
	echo "program=$program" >>"$GITHUB_OUTPUT"
	exit
fi

[[ $SHA256 =~ ^[0-9A-Fa-f]{64}$ ]] || fail "Name the SHA-256 of the file with the input sha256, in hexadecimal"
case $(uname -sm) in
'Linux x86_64') name=sigtool-linux-x64 ;;
'Linux aarch64') name=sigtool-linux-arm64 ;;
*) fail "Cannot run the single file on $(uname -sm): install sigtool in an earlier step, and say installed with the input sigtool" ;;
esac

folder=$(mktemp -d "$RUNNER_TEMP/sigtool-XXXXXXXX")
case $FROM in
https://*)
	curl --fail --silent --show-error --location --proto =https --retry 3 --output "$folder/obtained" -- "$FROM" ||
		fail "Cannot download $FROM"
	;;
*://*) fail "Cannot download $FROM: the URL has to begin with https://" ;;
*) cp -- "$FROM" "$folder/obtained" || fail "Cannot read $FROM" ;;
esac
# The copy is what is digested and used, so that nobody can exchange the file in between.
sha256sum --check --status <<<"${SHA256,,}  $folder/obtained" || fail "Cannot use $FROM: its SHA-256 is $(sha256sum <"$folder/obtained" | cut -d ' ' -f 1), not ${SHA256,,}"

mkdir "$folder/bin"
program=$folder/bin/sigtool
if [[ $FROM == *.tar ]]; then
	member=$(tar -tf "$folder/obtained" | grep -E "(^|/)$name\$") || fail "Cannot find one program $name in $FROM"
	tar -xOf "$folder/obtained" -- "$member" >"$program" || fail "Cannot find one program $name in $FROM"
	rm "$folder/obtained"
else
	mv "$folder/obtained" "$program"
fi
# A link in an archive, or a download that got nothing, would be an empty script.
[ -s "$program" ] || fail "Cannot find one program in $FROM: it is empty"
chmod 0755 "$program"
ln -s sigtool "$folder/bin/sigtree"
echo "program=$program" >>"$GITHUB_OUTPUT"
echo "$folder/bin" >>"$GITHUB_PATH"
