/** A host whose files have the paths that the examples name, so that the examples run on it as they are. */

import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KEPT_COMPILER } from "../../packages/cli/test/kept-compiler/kept-compiler.js";
import { MAIN, makeSelfSigned, type SelfSigned } from "../../packages/cli/test/support.js";
import { pinOf } from "../host/host.js";
import { type SpawnSyncReturns, spawnSync } from "../outside.js";
import { atEndOfFile } from "../temporary.js";
import { OverlayRoot, type RootOptions } from "./overlay-root.js";
import { commandOfUnit, type UnitOptions } from "./unit-sandbox.js";

export const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
export const ADDON = fileURLToPath(new URL("../../packages/verifier/dist/native/addon.node", import.meta.url));
export const SPYTHON = "/usr/local/lib/spython";

export class SignedHost extends OverlayRoot {
	constructor() {
		super();
		atEndOfFile(() => this.remove());
		this.write("/usr/local/bin/sigtool", `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, 0o755);
	}

	makeKey(name: string): SelfSigned {
		mkdirSync(this.at("/home/keys"), { recursive: true, mode: 0o700 });
		return makeSelfSigned(this.at(`/home/keys/${name}`));
	}

	/** Runs a command that has to succeed. */
	do(args: readonly string[], options: RootOptions = {}): string {
		const { status, stdout, stderr } = this.run(args, options);
		if (status !== 0) throw new Error(`${args.join(" ")} ends with ${status}: ${stderr}`);
		return stdout;
	}

	buildSpython(python: string): void {
		this.do(["sigtool", "python", "build", "--python", python, "-o", SPYTHON], { env: KEPT_COMPILER });
	}

	installNode(node: string): void {
		mkdirSync(this.at("/usr/bin"), { recursive: true });
		cpSync(node, this.at("/usr/bin/node"), { dereference: true });
	}

	/** Writes a program, and signs, compiles and packs it with the ship.sh of an example. */
	ship(
		name: string,
		files: Readonly<Record<string, string | Buffer>>,
		key: SelfSigned,
		example: string,
		out: string,
	): void {
		for (const [file, content] of Object.entries(files)) this.write(`/home/${name}/${file}`, content);
		const inRoot = (path: string) => path.replace(this.path, "");
		this.do([join(EXAMPLES, example, "ship.sh"), `/home/${name}`, out], {
			env: { SIGN_KEY: inRoot(key.keyFile), SIGN_CERT: inRoot(key.certFile), HOME: "/home" },
		});
	}

	/** Writes the host configuration of an example, with this key in place of the first pin. */
	configure(example: string, file: string, key: SelfSigned): void {
		const document = JSON.parse(readFileSync(join(EXAMPLES, example), "utf8"));
		document.pins[0] = pinOf(key);
		this.write(file, JSON.stringify(document));
	}

	/** Starts the command of a unit as the unit says. */
	startUnit(text: string, options: Omit<UnitOptions, "filterFile"> = {}): SpawnSyncReturns<string> {
		const filterFile = "/srv/seccomp.bpf";
		const { args, filter } = commandOfUnit(text, { ...options, filterFile });
		this.write(filterFile, filter);
		return this.run(args);
	}
}

/** Returns the number that systemd-analyze gives a unit, from 0 (best) to 10. */
export function exposureOf(unit: string): number {
	const { stdout, stderr } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", unit], {
		encoding: "utf8",
	});
	const [, exposure] = /Overall exposure level for \S+: ([\d.]+) /.exec(stdout) ?? [];
	if (exposure === undefined) throw new Error(`systemd-analyze says no exposure of ${unit}: ${stderr}`);
	return Number(exposure);
}
