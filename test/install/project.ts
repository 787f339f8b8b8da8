/** Makes empty projects that install the packed packages, on a PATH without a compiler. */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { outdatedParts } from "../../scripts/native/parts.mjs";
import { registryEnvironment } from "../../scripts/registry-environment.mjs";
import { execFileSync } from "../outside.js";
import { type Client, type Run, run } from "./clients.js";
import { type Registry, startRegistry } from "./registry.js";

const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url));

/** Tells whether the packages of all targets have parts that are newer than their sources. */
export const hasPrebuilt = process.platform === "linux" && outdatedParts().length === 0;

/** Below this folder root owns everything, as a launcher needs it. Other users install no launcher. */
export const isRoot = process.getuid?.() === 0;

export class PackedPackages {
	readonly directory = mkdtempSync(isRoot ? "/var/lib/sigtool-install-" : "/tmp/sigtool-install-");
	readonly env: NodeJS.ProcessEnv;
	#registry: Registry | undefined;

	/** Packs the packages and serves them. */
	async open(): Promise<void> {
		const tarballs = this.at("tarballs");
		const pack = ["--recursive", "--filter", "./packages/*", "pack", "--pack-destination", tarballs];
		const env = { ...registryEnvironment(), SIGTOOL_PACK_FOR_REGISTRY: "1" };
		execFileSync("npx", ["-y", "pnpm@12", ...pack], { cwd: WORKSPACE, env, stdio: "pipe" });
		this.#registry = await startRegistry(tarballs);
	}

	constructor() {
		const bin = this.at("bin");
		mkdirSync(bin);
		// npm and pnpm put scripts for the shell into node_modules/.bin, and these scripts call the programs.
		for (const name of ["sh", "env", "sed", "dirname", "basename", "uname", "readlink"]) {
			symlinkSync(execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), join(bin, name));
		}
		symlinkSync(process.execPath, join(bin, "node"));
		mkdirSync(this.at("home"));
		// The file and the variables tell how this machine reaches the registry of npm.
		const own = join(homedir(), ".npmrc");
		if (existsSync(own)) copyFileSync(own, this.at("home/.npmrc"));
		const names = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "npm_config_registry"];
		const env: NodeJS.ProcessEnv = registryEnvironment();
		const kept = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
		this.env = { ...Object.fromEntries(kept), PATH: bin, HOME: this.at("home"), LANG: "C.UTF-8", TERM: "dumb" };
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	/** Makes an empty project, and lets the client add `@sigtool/cli` and `@sigtool/core` to it. */
	async install(
		name: string,
		client: Client,
		...options: readonly string[]
	): Promise<{ project: Project; added: Run }> {
		const project = new Project(this.at(name), this.env);
		writeFileSync(project.at("package.json"), '{ "private": true, "type": "module" }\n');
		writeFileSync(project.at(".npmrc"), `@sigtool:registry=${this.#registry?.url}\n`);
		return { project, added: await project.client(client, ...client.add, ...options, "@sigtool/cli", "@sigtool/core") };
	}

	close(): void {
		this.#registry?.close();
		rmSync(this.directory, { recursive: true, force: true });
	}
}

export class Project {
	readonly directory: string;
	readonly #env: NodeJS.ProcessEnv;

	constructor(directory: string, env: NodeJS.ProcessEnv) {
		this.directory = directory;
		this.#env = { ...env, XDG_CONFIG_HOME: join(directory, "config") };
		mkdirSync(directory);
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	client({ program }: Client, ...args: readonly string[]): Promise<Run> {
		return run([...program, ...args], { cwd: this.directory, env: this.#env });
	}

	sigtool(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
		return run([this.at("node_modules/.bin/sigtool"), ...args], {
			cwd: this.directory,
			env: { ...this.#env, ...env },
		});
	}

	node(code: string): Promise<Run> {
		return run([process.execPath, "--input-type=module", "-e", code], { cwd: this.directory, env: this.#env });
	}
}
