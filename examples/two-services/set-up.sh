#!/bin/sh
# Sets up several services on one host, or brings them to another release. Run as root:
#
#   ./set-up.sh RELEASES
#
# Each directory of RELEASES is a service, and its name is the service's. It holds service.env, verifier.json, the index
# <name>.sigx and the archive <name>.tar of the directory <name>. Every service gets:
#
#   /usr/lib/sigtool/<name>   a launcher of its own
#   /etc/sigtool/<name>       configuration, index, service.env
#   /srv/<name>               the program
#   signed@<name>.service     a user, /var/lib/sigtool/<name> and /var/log/sigtool/<name>
#   /etc/logrotate.d/sigtool-<name>   the rotation of its events, into /var/log/sigtool-rotated/<name>
set -eu
releases=$1
here=$(dirname "$0")

install -D -m 0644 -t /etc/systemd/system "$here/signed@.service" "$here/../deploy/alert@.service"
for release in "$releases"/*/; do
	name=$(basename "$release")
	settings=/etc/sigtool/$name
	INSTALL=
	. "$release/service.env"

	install -D -m 0644 -t "$settings" "$release/service.env" "$release/verifier.json" "$release/$name.sigx"
	mkdir -p /etc/logrotate.d
	sed -e "s|/var/log/sigtool/|&$name/|" -e "s|/var/log/sigtool-rotated|&/$name|" "$here/../deploy/logrotate" >"/etc/logrotate.d/sigtool-$name"
	rm -rf "/srv/$name"
	tar -C /srv --no-same-owner -xf "$release/$name.tar"
	# INSTALL is several words.
	# shellcheck disable=SC2086
	sigtool launcher install --prefix "/usr/lib/sigtool/$name" --config "$settings/verifier.json" --index "$settings/$name.sigx" $INSTALL
done

# Without systemd, as in a test, the units are only put in place.
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
for release in "$releases"/*/; do
	name=$(basename "$release")
	systemctl enable "signed@$name"
	systemctl restart "signed@$name"
	sigtool launcher check --prefix "/usr/lib/sigtool/$name"
done
