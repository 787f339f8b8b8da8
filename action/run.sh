#!/usr/bin/env bash
# Runs sigtool for the action. A development identity neither signs nor is trusted. The key reaches sigtool by a pipe, so
# that it is in no file and in no argument.
set -euo pipefail
export SIGTOOL_DEVELOPMENT=refuse

. "$(dirname "$0")/failure.sh"

# Adds each line that is not empty as an argument, behind the options before it: add TEXT [OPTION…]
add() {
	local text=$1 line
	shift
	while IFS= read -r line; do
		line=${line%$'\r'}
		[ -z "$line" ] || arguments+=("$@" "$line")
	done <<<"$text"
}

case $COMMAND in
sign | verify) ;;
*) fail "Name the command sign or verify with the input command, not $COMMAND" ;;
esac
[ -z "$KEY" ] || [ -z "$KEY_FILE" ] || fail "Use one of the inputs key and key-file"
[ -n "$SIGTOOL_PASSPHRASE" ] || unset SIGTOOL_PASSPHRASE

arguments=("$COMMAND" --reporter github)
add "$CERT" --cert
add "$CHAIN" --chain
add "$TRUST" --trust
add "$PRODUCT" --product
add "$OUTPUT" --output
add "$KEY_FILE" --key
add "$ARGUMENTS"
if [ -n "$KEY" ]; then
	exec {key}< <(printf '%s\n' "$KEY")
	arguments+=(--key "/dev/fd/$key")
fi
# Behind this word a path that begins with a dash is no option.
arguments+=(--)
add "$PATHS"
unset KEY

[ -n "${key-}" ] || exec "$PROGRAM" "${arguments[@]}"
# A message names the pipe, which tells nobody that it is the key.
"$PROGRAM" "${arguments[@]}" 2>&1 | sed -u "s|\"/dev/fd/$key\"|\"key\" (the input)|g"
