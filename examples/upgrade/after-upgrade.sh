#!/bin/sh
# Tells which services would be refused at their next restart, because an upgrade changed a runtime or adopted files.
# Goes to /usr/local/lib/sigtool/after-upgrade.sh. Ends with 1 if a service needs something, else with 0.
#
#     after-upgrade.sh [DIRECTORY-OF-UNITS]…

set -u
SIGTOOL=${SIGTOOL:-sigtool}
[ $# -gt 0 ] || set -- /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system

# Prints "PREFIX UNIT" for each unit that a launcher starts.
launched() {
	for directory in "$@"; do
		for unit in "$directory"/*.service; do
			[ -f "$unit" ] || continue
			sed -n 's|^ExecStart=[-@:+!]*\(/[^ ]*\)/sigtool-launch\( .*\)\{0,1\}$|\1|p' "$unit" | while read -r prefix; do
				case $prefix in
				*%i*) instances "$prefix" "${unit##*/}" ;;
				*) printf '%s %s\n' "$prefix" "${unit##*/}" ;;
				esac
			done
		done
	done
}

# Prints the same for each instance of a template such as signed@.service, whose PREFIX has %i.
instances() {
	before=${1%%%i*}
	after=${1#*%i}
	for found in "$before"*"$after"; do
		[ -f "$found/launcher.conf" ] || continue
		instance=${found#"$before"}
		printf '%s %s\n' "$found" "${2%.service}${instance%"$after"}.service"
	done
}

units=$(launched "$@" | sort -u)
status=0
for prefix in $(printf '%s\n' "$units" | cut -d ' ' -f 1 | sort -u); do
	said=$($SIGTOOL launcher check --files --quiet --prefix "$prefix" 2>&1) && continue
	status=1
	services=$(printf '%s\n' "$units" | sed -n "s|^$prefix ||p" | tr '\n' ' ')
	printf 'sigtool: these services would be refused at their next restart: %s\n' "$services"
	printf '%s\n' "$said" | sed 's/^/    /'
	printf '%s\n' \
		"    Before they restart: compile the index again where adopted files changed and put it in place," \
		"    and run \`sigtool launcher install --prefix $prefix\` where node or python changed."
done
exit $status
