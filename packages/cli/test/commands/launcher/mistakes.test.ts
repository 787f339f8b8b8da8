/**
 * Makes the mistakes of the table in docs/how-to/runbook.md, and compares what the service or `launcher check` says with
 * the table.
 */

import {
	appendFileSync,
	chmodSync,
	chownSync,
	copyFileSync,
	lchownSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { canBeHost, Host } from "../../../../../test/host/host.js";
import { canBeUser, spawnSync } from "../../../../../test/outside.js";
import { fillDisk, mountDisk } from "../../small-disk.js";
import { MAIN, makeAuthority, makeTree } from "../../support.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../../../../docs/how-to/runbook.md", import.meta.url)), "utf8");

interface Row {
	readonly mistake: string;
	readonly ask: string;
	/** Texts that one line of the answer has. `…` stands for any text. */
	readonly says: readonly string[];
}

const ROWS: readonly Row[] =
	(PAGE.split("\n## Mistakes, and what names them\n")[1] ?? "")
		.split("\n## ")[0]
		?.split("\n")
		.filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
		.slice(1)
		.map((line) => {
			const [mistake = "", ask = "", ...says] = line.slice(2, -2).split(" | ");
			return {
				mistake,
				ask,
				says: says.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text)),
			};
		}) ?? [];

/** A user without any right on the host. */
const USER = 1234;

/** The files of the page, and where this host has them. */
const PLACES: Readonly<Record<string, string>> = {
	"/usr/lib/sigtool": "lib",
	"/etc/sigtool": "etc",
	"/srv/app": "app",
	"/var/lib/app": "data",
	"/var/log/sigtool": "log",
	"/usr/bin/node": "node",
};

/** A host with the files of the page, whose service may do what it needs. */
class Service extends Host {
	readonly log = this.at("log/audit.jsonl");

	constructor() {
		const files = {
			"main.js": "console.log(require('dep'))\n",
			"package.json": "{}",
			"node_modules/dep/package.json": '{ "name": "dep", "version": "1.0.0" }',
			"node_modules/dep/index.js": "module.exports = 'dep 1'\n",
		};
		super({ files, lasts: "file" });
		this.index = this.at("etc/app.sigx");
		chmodSync(this.directory, 0o755);
		chownSync(this.at("data"), USER, USER);
		writeFileSync(this.log, "");
		chownSync(this.log, 0, USER);
		chmodSync(this.log, 0o660);
		this.configure();
		writeFileSync(this.at("policy.json"), JSON.stringify({ version: 1, launch: { write: [this.at("data")] } }));
		this.deploy(this.key, ["--policy", this.at("policy.json")]);
	}

	override get config(): string {
		return this.at("etc/verifier.json");
	}

	override compiling(key = this.key): readonly string[] {
		return super.compiling(key, "app", "etc/app.sigx");
	}

	override configure(members: object = {}): void {
		mkdirSync(this.at("etc"), { recursive: true });
		super.configure({ audit: { jsonLines: this.at("log/audit.jsonl"), stderr: "off" }, ...members });
	}

	/** Saves the host as it is, but for the copy of the index, which counts for a file that was never copied. */
	save(): void {
		rmSync(this.at("lib/indexes"), { recursive: true });
		expect(spawnSync("cp", ["-a", this.directory, this.#saved]).status).toBe(0);
	}

	/** Brings the saved host back. */
	restore(): void {
		rmSync(this.directory, { recursive: true });
		expect(spawnSync("cp", ["-a", this.#saved, this.directory]).status).toBe(0);
	}

	override remove(): void {
		for (const each of [this.directory, this.#saved]) rmSync(each, { recursive: true, force: true });
	}

	get #saved(): string {
		return `${this.directory}-saved`;
	}

	/** Asks as a row says, and returns the lines of the answer. */
	ask(how: string): { readonly lines: readonly string[]; readonly status: number | null } {
		const script = this.at("app/main.js");
		const start = (...args: string[]) =>
			spawnSync(this.at("lib/sigtool-launch"), args, { uid: USER, gid: USER, encoding: "utf8", cwd: "/" });
		const check = (...args: string[]) => this.sigtool(["launcher", "check", "--quiet", ...this.prefix, ...args]);
		const ways: Readonly<Record<string, () => ReturnType<typeof start> | ReturnType<typeof check>>> = {
			"`launcher check --user app`": () => check("--user", String(USER)),
			"`launcher check`": () => check(),
			"the start": () => start("--write", this.at("data"), script),
			"the start with `--write /srv/app`": () => start("--write", this.at("app"), script),
			"the start of `/srv/app/mian.js`": () => start("--write", this.at("data"), this.at("app/mian.js")),
		};
		const way = ways[how];
		if (way === undefined) throw new Error(`The test cannot ask ${how}`);
		const { status, stdout, stderr } = way();
		return { lines: `${stdout}\n${stderr}`.split("\n"), status };
	}
}

/** Makes each mistake on a host where everything is right. */
const MISTAKES: Readonly<Record<string, (service: Service) => void>> = {
	"the launcher's directory is closed, as after `umask 077`": (s) => chmodSync(s.at("lib"), 0o700),
	"the directory of the configuration is closed": (s) => chmodSync(s.at("etc"), 0o700),
	"the index is closed": (s) => chmodSync(s.index, 0o600),
	"the configuration is closed": (s) => chmodSync(s.config, 0o640),
	"a certificate that the configuration names is closed": (s) => {
		const { caFile, subject } = makeAuthority(s.at("authority"));
		copyFileSync(caFile, s.at("etc/authority.crt"));
		chmodSync(s.at("etc/authority.crt"), 0o600);
		s.configure({ authorities: [{ certificate: s.at("etc/authority.crt"), subject }] });
	},
	"the application was unpacked under `umask 077`": (s) => chmodSync(s.at("app"), 0o700),
	"the events file belongs to another user": (s) => chownSync(s.log, 0, 0),
	"the events file is missing, and the directory is root's": (s) => rmSync(s.log),
	"the directory of the events file is missing": (s) => rmSync(s.at("log"), { recursive: true }),
	"the disk of the events is full": (s) => {
		mountDisk(s.at("log"), "size=64k");
		copyEvents(s);
		fillDisk(s.at("log"), 0);
	},
	"the disk of the events is mounted read-only": (s) => {
		mountDisk(s.at("log"), "size=64k");
		copyEvents(s);
		expect(spawnSync("mount", ["-o", "remount,ro", s.at("log")]).status).toBe(0);
	},
	"the service may not write where its policy lets it": (s) => chownSync(s.at("data"), 0, 0),
	"a comma is missing in the configuration": (s) => writeFileSync(s.config, '{\n\t"version": 1\n\t"pins": []\n}'),
	"a member of the configuration is misspelt": (s) => s.configure({ pinz: [] }),
	"the configuration was copied with a mode that lets others write": (s) => chmodSync(s.config, 0o664),
	"nobody pinned the key that signed": (s) => s.configure({ pins: [{ "spki-sha256": "0".repeat(64) }] }),
	"the events file of the configuration changed, without an installation": (s) =>
		s.configure({ audit: { jsonLines: s.at("log/other.jsonl") } }),
	"half of the index was copied": (s) => truncateSync(s.index, 1000),
	"a release was put back that is older than `minimumSequence`": (s) =>
		s.configure({ products: [{ name: "app", minimumSequence: 2 ** 50 }] }),
	"nobody put an index in place": (s) => rmSync(s.index),
	"the link to the index belongs to another user": (s) => {
		renameSync(s.index, s.at("etc/42.sigx"));
		symlinkSync("42.sigx", s.index);
		lchownSync(s.index, USER, USER);
	},
	"somebody edited a file": (s) => appendFileSync(s.at("app/main.js"), "// in haste\n"),
	"somebody added a file": (s) => {
		s.configure({ audit: { stderr: "off" } });
		writeFileSync(s.at("app/plugin.js"), "");
		writeFileSync(s.at("app/main.js"), "require('./plugin.js')\n");
		const { keyFile, certFile } = s.key;
		s.do(["sign", s.at("app"), "--force", "--exclude", "plugin.js", "--key", keyFile, "--cert", certFile]);
		s.do([...s.compiling(), "--force"]);
		s.do(["launcher", "install", ...s.prefix]);
	},
	"`npm install` took a dependency away": (s) => rmSync(s.at("app/node_modules/dep"), { recursive: true }),
	"`npm install` put another version of a dependency there": (s) => {
		makeTree(s.at("app/node_modules/dep"), {
			"package.json": '{ "name": "dep", "version": "2.0.0", "exports": { "import": "./index.mjs" } }',
			"index.mjs": "export default 2\n",
		});
	},
	"an upgrade replaced node": (s) => {
		copyFileSync(process.execPath, s.at("node"));
		s.do(["launcher", "install", ...s.prefix, "--node", s.at("node")]);
		appendFileSync(s.at("node"), "\n");
	},
	"the unit grants a directory with the application": () => {},
	"the unit names a script that is not there": () => {},
};

function copyEvents(service: Service): void {
	writeFileSync(service.log, "");
	chownSync(service.log, 0, USER);
	chmodSync(service.log, 0o660);
}

it("the table has at least twenty mistakes, and this test makes each of them", () => {
	expect(ROWS.length).toBeGreaterThanOrEqual(20);
	expect(ROWS.map(({ mistake }) => mistake)).toEqual(Object.keys(MISTAKES));
	for (const { says, mistake } of ROWS) expect([mistake, says.length >= 2]).toEqual([mistake, true]);
});

describe.skipIf(!canBeHost || !canBeUser(USER, MAIN))(
	"a service whose operator made a mistake (needs root, the launcher built, and files that all may read)",
	() => {
		let service: Service;
		beforeAll(() => {
			service = new Service();
			service.save();
		});

		it("is told apart from one that starts, and that may do what it needs", () => {
			expect(service.ask("the start")).toMatchObject({ status: 0, lines: expect.arrayContaining(["dep 1"]) });
			expect(service.ask("`launcher check --user app`")).toMatchObject({ status: 0 });
		});

		it.each(ROWS.map((row) => [row.mistake, row] as const))("%s", (mistake, { ask, says }) => {
			service.restore();
			MISTAKES[mistake]?.(service);
			const { lines, status } = service.ask(ask);
			expect(status).not.toBe(0);
			const parts = says.map((text) => patternOf(text, service));
			expect(
				lines.filter((line) => parts.every((part) => part.test(line))),
				lines.join("\n"),
			).not.toEqual([]);
		});
	},
);

function patternOf(text: string, host: Host): RegExp {
	const here = Object.entries(PLACES).reduce((all, [page, own]) => all.replaceAll(page, host.at(own)), text);
	return new RegExp(
		here
			.split("…")
			.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
			.join(".*"),
	);
}
