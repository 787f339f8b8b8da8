/** A service on a host as in production: a release key, a signed program, a launcher. Root is needed. */

import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { canBeHost, Host, type StartOptions } from "../host/host.js";
import type { Runtime } from "../host/runtimes.js";
import { type ChildProcessWithoutNullStreams, type SpawnSyncReturns, spawn, spawnSync } from "../outside.js";

const NATIVE = fileURLToPath(new URL("../../packages/verifier/native", import.meta.url));

/** Only root can make a directory below which root owns everything, and mount in a namespace of its own. */
export const canOperate = canBeHost && spawnSync("unshare", ["-m", "true"]).status === 0;

/** A service that takes so long to start hangs. */
const HANGS_MS = 10_000;

/** Replacements of texts: in the hook of Node.js, and in a header of the C that the spython links. */
interface OtherHook {
	readonly node: readonly (readonly [string | RegExp, string])[];
	readonly header: string;
	readonly python: readonly (readonly [string, string])[];
}

/** Replaces the first match, or the last occurrence of a text, which must be in the file. */
function replaceIn(file: string, texts: readonly (readonly [string | RegExp, string])[]): void {
	let text = readFileSync(file, "utf8");
	for (const [former, other] of texts) {
		const found = typeof former === "string" ? former : (former.exec(text)?.[0] ?? "");
		const at = typeof former === "string" ? text.lastIndexOf(found) : text.indexOf(found);
		if (at === -1 || found === "") throw new Error(`Cannot install another hook: ${former} is not in ${file}`);
		text = text.slice(0, at) + other + text.slice(at + found.length);
	}
	writeFileSync(file, text);
}

export interface ServiceOptions {
	/** The spython is built with the release key. */
	readonly isBuiltIn?: boolean;
	/** Files of the program, by name. */
	readonly files?: Readonly<Record<string, string>>;
}

export class Service extends Host {
	declare readonly runtime: Runtime;

	/** Signs, compiles and installs. */
	constructor(runtime: Runtime, { isBuiltIn = false, files = {} }: ServiceOptions = {}) {
		const program = { "main.js": "console.log('serving')\n", "main.py": "print('serving')\n", ...files };
		super({ runtime, files: program, builtIn: isBuiltIn ? "release" : "none", lasts: "file" });
		this.ship();
		this.install();
	}

	/** The file that the runtime loads first: the hook of Node.js, or the spython. */
	get hook(): string {
		const key = this.runtime.kind === "node" ? "bundle" : "spython";
		return new RegExp(`^${key} (.+) \\w+$`, "m").exec(readFileSync(this.conf, "utf8"))?.[1] ?? "";
	}

	/** Writes verifier.json, with these members replaced. */
	override configure(members: object = {}): void {
		super.configure({ audit: { jsonLines: this.at("log/events.jsonl"), stderr: "off" }, ...members });
	}

	override start(options: StartOptions = {}): SpawnSyncReturns<string> {
		// Node.js can hang for lack of descriptors, as it does without the launcher.
		return super.start({ writable: [this.at("data")], timeoutMs: HANGS_MS, ...options });
	}

	/** Starts the service without waiting for its end. */
	launch(options: StartOptions = {}): ChildProcessWithoutNullStreams {
		return spawn(...this.command({ writable: [this.at("data")], ...options }));
	}

	/** Saves a file or a directory, and returns a function that brings it back. */
	saved(file: string): () => void {
		const copy = `${this.at("saved")}-${file.replaceAll("/", "-")}`;
		cpSync(file, copy, { preserveTimestamps: true, recursive: true });
		return () => {
			rmSync(file, { force: true, recursive: true });
			cpSync(copy, file, { preserveTimestamps: true, recursive: true });
		};
	}

	/** Installs a hook of a release that is made in 2100, so that the clock of this machine is before it. */
	installLaterRelease(): () => void {
		const [now, later] = [Date.UTC(2026, 10, 1) / 1000, Date.UTC(2100, 0, 1) / 1000];
		// The number is larger than an int, so it becomes a macro.
		return this.#installOther({
			node: [["Date.UTC(2026,10,1)/1e3", String(later)]],
			header: "shared/settings/constants.h",
			python: [
				[`\tEARLIEST_SECONDS = ${now},`, "\tFORMER_SECONDS = 0,"],
				["#endif\n", `#define EARLIEST_SECONDS ${later}L\n#endif\n`],
			],
		});
	}

	/**
	 * Installs a hook whose clock differs from that of this machine by what `setClock` says, and which looks at the
	 * configuration every second.
	 */
	installOtherClock(): void {
		this.setClock(0);
		const file = JSON.stringify(this.at("clock"));
		const node = `"use strict";{const now=Date.now,read=require("fs").readFileSync;Date.now=()=>now()+Number(read(${file},"utf8"));}`;
		const python = `#include <stdio.h>
#include <stdlib.h>
static inline time_t shifted_time(void)
{
	long long shift = 0;
	FILE *file = fopen(${file}, "r");
	if (file == NULL || fscanf(file, "%lld", &shift) != 1)
		abort();
	fclose(file);
	return time(NULL) + (time_t)(shift / 1000);
}
#define time(none) shifted_time()
#define LOOK_SECONDS 1
#endif
`;
		this.#installOther({
			node: [
				// The bundle has lines of limited length, so a line can end in the middle of this expression.
				[/BigInt\(\s*\w+\s*\)\s*\*\s*1000000000n/, "1000000000n"],
				[/"use strict";/, node],
			],
			header: "trust/trust.h",
			python: [["#endif\n", python]],
		});
	}

	/** Sets the clock of the installed hook: processes that run see it too. */
	setClock(differenceMs: number): void {
		writeFileSync(`${this.at("clock")}.new`, String(differenceMs));
		renameSync(`${this.at("clock")}.new`, this.at("clock"));
	}

	/** Installs a hook, or a spython built from sources, with other texts. Returns a function that brings the former back. */
	#installOther({ node, header, python }: OtherHook): () => void {
		const undo = [this.saved(this.hook), this.saved(this.conf)];
		if (this.runtime.kind === "node") {
			replaceIn(this.hook, node);
		} else {
			rmSync(this.at("other"), { recursive: true, force: true });
			cpSync(NATIVE, this.at("other"), { recursive: true });
			replaceIn(this.at(`other/${header}`), python);
			const builder = `import { buildSpython } from ${JSON.stringify(this.at("other/build-spython.mjs"))};
				buildSpython({ python: ${JSON.stringify(this.runtime.program)}, output: ${JSON.stringify(this.hook)} });`;
			const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", builder], {
				encoding: "utf8",
			});
			if (status !== 0) throw new Error(stderr);
		}
		this.pinHook();
		return () => {
			for (const each of undo) each();
		};
	}

	/** Writes the present digest of the hook into launcher.conf. */
	pinHook(): void {
		const digest = spawnSync("sha256sum", [this.hook], { encoding: "utf8" }).stdout.slice(0, 64);
		const text = readFileSync(this.conf, "utf8");
		writeFileSync(this.conf, text.replace(new RegExp(`^(\\w+ ${this.hook}) \\w+$`, "m"), `$1 ${digest}`));
	}

	override remove(): void {
		spawnSync("umount", ["--lazy", this.at("log")]);
		super.remove();
	}
}
