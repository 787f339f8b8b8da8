/** A machine on which a reader follows a page by its text alone. What no test machine has is stood in for. */

import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KEPT_COMPILER } from "../../packages/cli/test/kept-compiler/kept-compiler.js";
import { EXAMPLES, SignedHost } from "../operations/signed-host.js";
import { commandOfUnit } from "../operations/unit-sandbox.js";
import type { Step } from "./page.js";
import { type Outcome, transcript } from "./transcript.js";

const UNITS = "/usr/local/lib/units";

/** systemctl, where no systemd runs: it starts the command of a unit as the unit says, in a sandbox that is made before. */
const SYSTEMCTL = `#!/bin/sh
for last; do :; done
unit=\${last%.service}
case $1 in
daemon-reload) exit 0 ;;
status) cat /run/$unit.status 2>/dev/null || echo active; exit 0 ;;
enable | start | restart) ;;
*) echo "systemctl $1 is not known here" >&2; exit 1 ;;
esac
cat /etc/systemd/system/$unit.service $(ls /etc/systemd/system/$unit.service.d/*.conf 2>/dev/null) | cmp - ${UNITS}/$unit.unit || exit 1
if [ -e /run/$unit.pid ]; then
	kill $(cat /run/$unit.pid)
	while [ -e /run/$unit.pid ]; do sleep 0.1; done
fi
rm -f /run/$unit.status
{ ${UNITS}/$unit >>/run/$unit.log 2>&1 & echo $! >/run/$unit.pid; wait $!; echo $? >/run/$unit.status; rm /run/$unit.pid; } 2>/dev/null &
for i in $(seq 300); do
	[ ! -e /run/$unit.status ] || exit 0
	! curl --silent --fail --output /dev/null http://127.0.0.1:8080/ || exit 0
	sleep 0.1
done
`;

export class FollowedHost extends SignedHost {
	constructor() {
		super();
		this.write("/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n', 0o755);
		// The machine of the test has the packages already.
		this.write("/usr/local/bin/apt-get", "#!/bin/sh\n", 0o755);
		this.write("/usr/local/bin/systemctl", SYSTEMCTL, 0o755);
		mkdirSync(this.at("/home/ada"), { recursive: true });
		cpSync(EXAMPLES, this.at("/home/ada/examples"), { recursive: true });
	}

	/** Lets systemctl start a unit of the examples, with the settings of a drop-in. */
	know(name: string, ...files: readonly string[]): void {
		const text = files.map((file) => readFileSync(join(EXAMPLES, file), "utf8")).join("");
		const filterFile = `${UNITS}/${name}.bpf`;
		const { args, filter } = commandOfUnit(text, { filterFile });
		this.write(filterFile, filter);
		this.write(`${UNITS}/${name}.unit`, text);
		const words = args.map((arg) => `'${arg.replaceAll("'", "'\\''")}'`);
		this.write(`${UNITS}/${name}`, `#!/bin/sh\nexec ${words.join(" ")}\n`, 0o755);
	}

	/** Takes every step as one person in one shell. */
	follow(steps: readonly Step[]): Outcome[] {
		const env = { ...KEPT_COMPILER, HOME: "/home/ada", CI: "true" };
		const options = { cwd: "/home/ada", env, isAlone: true };
		return transcript(steps, (script) => this.run(["bash", "-c", script], options));
	}
}
