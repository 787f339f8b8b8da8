/** Makes a host as in production, in a directory of root: release keys, a signed application, a launcher. */

import { createHash, createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { makeSelfSigned, makeTree, type Run, runner, type SelfSigned } from "./support.js";

const LAUNCHER = fileURLToPath(new URL("../../verifier/dist/native/sigtool-launch", import.meta.url));

/** Only root can make a directory below which root owns everything. */
export const canBeHost = existsSync(LAUNCHER) && process.getuid?.() === 0;

export class Host {
	readonly directory = mkdtempSync("/var/lib/sigtool-host-");
	readonly key: SelfSigned;
	readonly sigtool: ReturnType<typeof runner>;

	constructor(files: Readonly<Record<string, string>> = { "main.js": "console.log('ran', process.argv[2])" }) {
		onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
		this.key = makeSelfSigned(this.at("release"));
		this.sigtool = runner(this.at("home"));
		makeTree(this.at("app"), files);
		mkdirSync(this.at("data"));
		this.configure();
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	/** Writes verifier.json, with these members replaced. */
	configure(members: Readonly<Record<string, unknown>> = {}): void {
		const document = { version: 1, onRefusal: "exit", pins: [pinOf(this.key)], index: this.at("app.sigx"), ...members };
		writeFileSync(this.at("verifier.json"), JSON.stringify(document));
	}

	/** Signs, compiles and installs. @throws Error with the output of the step that failed */
	ship(key = this.key, mode = "enforce", compiling: readonly string[] = []): void {
		const signing = ["--key", key.keyFile, "--cert", key.certFile];
		const steps = [
			["sign", this.at("app"), ...signing],
			["compile", this.at("app"), "-o", this.at("app.sigx"), "--trust", key.certFile, ...signing, ...compiling],
			["launcher", "install", ...this.prefix, ...this.places, "--mode", mode],
		];
		for (const step of steps) {
			const { status, stderr } = this.sigtool(step);
			if (status !== 0) throw new Error(`${step.join(" ")}: ${stderr}`);
		}
	}

	get prefix(): readonly string[] {
		return ["--prefix", this.at("lib")];
	}

	get places(): readonly string[] {
		return ["--index", this.at("app.sigx"), "--config", this.at("verifier.json")];
	}

	/** Returns the path of an installed part, such as `register.cjs`. */
	part(name: string): string {
		const conf = readFileSync(this.at("lib/launcher.conf"), "utf8");
		return new RegExp(`^\\w+ (.+/${name}) \\w+$`, "m").exec(conf)?.[1] ?? "";
	}

	run(...args: readonly string[]): Run {
		return this.sigtool(["run", ...this.prefix, ...args]);
	}

	events(file: string): readonly Readonly<Record<string, unknown>>[] {
		const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
		return lines.map((line) => JSON.parse(line));
	}
}

export function pinOf({ keyFile }: SelfSigned): { readonly "spki-sha256": string; readonly name: string } {
	const spki = createPublicKey(readFileSync(keyFile)).export({ type: "spki", format: "der" });
	return { "spki-sha256": createHash("sha256").update(spki).digest("hex"), name: keyFile };
}
