/** Runs the examples for Python services of docs/how-to/deploy-python.md, as far as that is possible without their target system. */

import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { canBeHost, Host, pinOf } from "../../../../../test/host/host.js";
import { canMount, hasHeader, hasProgram, spawn, spawnSync } from "../../../../../test/outside.js";
import { MAIN } from "../../support.js";

const EXAMPLES = fileURLToPath(new URL("../../../../../examples/deploy-python", import.meta.url));
const example = (name: string) => readFileSync(join(EXAMPLES, name), "utf8");
const PYTHON = "/usr/bin/python3.13";
const canBuild = hasHeader("python3.13/Python.h") && hasHeader("openssl/cms.h");

/** A host whose files have other paths than those in the examples. */
class PythonHost extends Host {
	constructor() {
		super({
			files: {
				"main.py": "import json, sys\nimport part\nprint('ran', part.NAME, sys.argv[1:])\n",
				"part.py": "NAME = 'service'\n",
			},
		});
		mkdirSync(this.at("bin"));
		symlinkSync(MAIN, this.at("bin/sigtool"));
	}

	/** Replaces the paths in an example's command-line arguments by this host's paths. */
	own(args: readonly string[]): string[] {
		const paths = [
			["/etc/sigtool/release.crt", this.key.certFile],
			["/usr/bin/python3", PYTHON],
			["/usr/local/lib/spython", this.at("spython")],
			["/usr/lib/sigtool", this.at("lib")],
			["/etc/sigtool", this.at("etc")],
			["/var/lib/app", this.at("data")],
			["/srv/app", this.at("srv/app")],
		] as const;
		return args.map((arg) => paths.reduce((text, [from, to]) => text.replace(from, to), arg));
	}

	/** Builds the release as the Dockerfile of the example does. */
	build(audit: object = {}): void {
		const env = {
			...process.env,
			PATH: `${this.at("bin")}:${process.env.PATH}`,
			XDG_CONFIG_HOME: this.at("home"),
			SIGN_KEY: this.key.keyFile,
			SIGN_CERT: this.key.certFile,
			PYTHON,
		};
		mkdirSync(this.at("srv"));
		mkdirSync(this.at("etc"));
		cpSync(this.at("app"), this.at("srv/app"), { recursive: true });
		const document = JSON.parse(example("verifier.json"));
		document.pins[0] = pinOf(this.key);
		document.products[0].root = this.at("srv/app");
		document.audit = { ...document.audit, ...audit };
		writeFileSync(this.at("etc/verifier.json"), JSON.stringify({ ...document, index: this.at("etc/app.sigx") }));
		const steps = example("Dockerfile").match(/(?<=^RUN .*)(sigtool (python|launcher) |ship\.sh ).*$/gm) ?? [];
		expect(steps).toHaveLength(3);
		for (const step of steps) {
			const [program = "", ...args] = this.own(step.split(" "));
			const more = args[0] === "launcher" ? [...this.prefix, "--config", this.at("etc/verifier.json")] : [];
			const run = program === "ship.sh" ? join(EXAMPLES, "ship.sh") : program;
			const { status, stderr } = spawnSync(run, [...args, ...more], { env, encoding: "utf8" });
			expect([step, status], stderr).toEqual([step, 0]);
		}
	}

	startAs(args: readonly string[], before: readonly string[] = []) {
		const [program = "", ...rest] = [...before, ...this.own(args)];
		return spawnSync(program, rest, { encoding: "utf8" });
	}

	get entrypoint(): string[] {
		return JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(example("Dockerfile"))?.[1] ?? "");
	}
}

describe.skipIf(!canBeHost || !canBuild)(
	"a Python service (needs root, the launcher built, and python3.13 with headers)",
	() => {
		it("built as in the Dockerfile runs by its ENTRYPOINT and by the unit's ExecStart, and not after a change", () => {
			const host = new PythonHost();
			host.build({ syslog: false });
			// The service runs as root, and the test's data directory has no separate mount. So the launcher warns.
			const warning = `sigtool-launch: warning: root may write "${host.at("data")}", whose mount is not nosuid: mount it with nosuid, or run as another user\n`;
			const ran = { status: 0, stdout: "ran service ['--port', '80']\n", stderr: warning };
			expect(host.startAs([...host.entrypoint, "--port", "80"])).toMatchObject(ran);
			const command = /^ExecStart=(.*)$/m.exec(example("app.service"))?.[1] ?? "";
			expect(host.startAs([...command.split(" "), "--port", "80"])).toMatchObject(ran);
			expect(host.sigtool(["launcher", "check", ...host.prefix])).toMatchObject({ status: 0 });
			writeFileSync(host.at("srv/app/main.py"), "print('evil')\n");
			expect(host.startAs(host.entrypoint)).toMatchObject({ status: 126, stdout: "" });
		});

		it.skipIf(!hasProgram("rsyslogd") || !canMount())(
			"has its events forwarded by rsyslog as the example says, refusals among them (needs rsyslogd and unshare)",
			async () => {
				const host = new PythonHost();
				host.build({ stderr: "off" });
				const changed = host.at("srv/app/__pycache__/part.cpython-313.pyc");
				writeFileSync(changed, "");
				const lines = await forwarded(host, example("rsyslog.conf"));
				expect(lines[0]).toMatch(/^<85>1 \d{4}-.* spython \d+ - - \{"time":/);
				const events = lines.map((line) => JSON.parse(line.replace(/^.*? - - /, "")));
				expect(events.map(({ event }) => event)).toContain("verifier.start");
				expect(events).toContainEqual(expect.objectContaining({ verdict: "refuse", path: changed }));
				expect(lines.find((line) => line.includes('"verdict":"refuse"'))).toMatch(/^<82>/);
			},
		);
	},
);

/**
 * Returns what a log host receives. rsyslogd and the service see a separate /dev, so that no other process uses its log
 * socket.
 */
async function forwarded(host: PythonHost, conf: string): Promise<string[]> {
	let received = "";
	const sockets: Socket[] = [];
	const take = (data: Buffer) => {
		received += data;
		if (/"verdict":"refuse".*\n$/.test(received)) writeFileSync(host.at("received"), "");
	};
	const server = createServer((socket) => sockets.push(socket.on("data", take)));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	const own = conf
		.replace("log.example", "127.0.0.1")
		.replace('"6514"', `"${port}"`)
		.replace("/var/spool/rsyslog", host.at("data"));
	writeFileSync(host.at("rsyslog.conf"), `module(load="imuxsock" SysSock.Name="/dev/log")\n${own}`);
	const script = `
		set -e
		mkdir dev
		for name in null zero random urandom; do touch dev/$name; mount --bind /dev/$name dev/$name; done
		mount --rbind dev /dev
		rsyslogd -n -f "$PWD/rsyslog.conf" -i "$PWD/rsyslog.pid" &
		until_there() { for try in $(seq 1200); do [ ! "$1" "$2" ] || break; sleep 0.1; done; }
		until_there -S /dev/log
		"$@" || echo "ended with $?"
		until_there -e received
		kill %1 2>/dev/null || kill $!
		wait`;
	const child = spawn("unshare", ["-m", "bash", "-c", script, "bash", ...host.own(host.entrypoint)], {
		cwd: host.directory,
		stdio: ["ignore", "pipe", "pipe"],
	});
	let said = "";
	child.stdout.on("data", (data) => (said += data));
	child.stderr.on("data", (data) => (said += data));
	await new Promise((resolve) => child.on("close", resolve));
	for (const socket of sockets) socket.destroy();
	server.close();
	expect(said).toContain("ended with 126");
	return received.split("\n").slice(0, -1);
}
