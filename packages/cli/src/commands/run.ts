import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import {
	compileTrustIndex,
	configDirectory,
	defaultTrust,
	developmentIdentity,
	MAX_TRUST_INDEX_BYTES,
	readBounded,
	verifyTrustIndex,
} from "@sigtool/core";
import { quote, SigtoolError } from "@sigtool/core/errors";
import type { LaunchMode } from "../launcher-conf.js";
import { launcherIn, placeLauncher } from "../launcher-place.js";
import { nativeParts } from "../native-parts.js";
import { type OutputOptions, plain, printNote } from "../output.js";
import { usageError } from "../usage.js";

export interface RunCommandOptions extends OutputOptions {
	readonly index?: string;
	readonly catalog?: readonly string[];
	readonly mode?: LaunchMode;
	readonly write?: readonly string[];
	readonly envClear?: boolean;
	readonly allowDevelopment?: boolean;
	readonly prefix: string;
}

/** Ends as the application ends: with its exit status, or by its signal. */
export async function run(script: string, args: readonly string[], options: RunCommandOptions): Promise<never> {
	const { index, catalog, mode, write = [], envClear, allowDevelopment, prefix } = options;
	const words = [
		...(allowDevelopment === true ? ["--allow-development"] : []),
		...(mode === undefined ? [] : ["--mode", mode]),
		...write.flatMap((directory) => ["--write", directory]),
		...(envClear === true ? ["--env-clear"] : []),
		...["--", script, ...args],
	];
	if (allowDevelopment === true) {
		requireFile(script);
		const directory = realpathSync(mkdtempSync(join(tmpdir(), "sigtool-run-")));
		let ending: Ending;
		try {
			await placePrivately(directory, script, options);
			ending = await launch(launcherIn(directory), words);
		} finally {
			rmSync(directory, { recursive: true, force: true });
		}
		return endAs(ending);
	}
	if (index !== undefined || catalog !== undefined) {
		throw usageError("Give --index and --catalog with --allow-development alone: the installed launcher has its index");
	}
	const launcher = launcherIn(resolve(prefix));
	if (!existsSync(launcher)) {
		const mend = "run `sigtool launcher install`, or try it with --allow-development";
		throw new SigtoolError("ERR_LAUNCHER", `Cannot find ${quote(launcher)}: ${mend}`, { path: launcher });
	}
	return endAs(await launch(launcher, words));
}

/** @throws ERR_ROOT_MISSING, ERR_USAGE */
function requireFile(script: string): void {
	if (!existsSync(script)) {
		throw new SigtoolError("ERR_ROOT_MISSING", `Cannot run ${quote(script)}: it does not exist`, { path: script });
	}
	if (!statSync(script).isFile()) {
		throw usageError(`Cannot run ${quote(script)}: it is not a file; name the file that the program starts with`);
	}
}

/** A launcher of this run's own, for what this user signed; his own host configuration counts where there is one. */
async function placePrivately(directory: string, script: string, options: RunCommandOptions): Promise<void> {
	const parts = nativeParts();
	const index = options.index === undefined ? join(directory, "app.sigx") : resolve(options.index);
	if (options.index === undefined) await compile(index, script, options);
	const { index: verified, signer } = verifyTrustIndex(readBounded(index, MAX_TRUST_INDEX_BYTES), {
		trust: defaultTrust(),
		development: "allow",
	});
	const { policy, products } = verified;
	const own = join(configDirectory(), "verifier.json");
	const config = existsSync(own) ? own : join(directory, "verifier.json");
	const mode = options.mode ?? policy.mode;
	if (config !== own) {
		const pins = [{ "spki-sha256": signer.spkiSha256, name: "signer of this index" }];
		const bound = products.map(({ name, root }) => ({ name, root }));
		const document = { version: 1, mode, onRefusal: "exit", pins, products: bound, index };
		writeFileSync(config, `${JSON.stringify(document, null, "\t")}\n`, { mode: 0o600 });
	}
	placeLauncher(directory, parts, { node: process.execPath, index, config, mode, development: "allow" });
}

/** The signed directory that holds the script, verified and compiled by this machine's development identity. */
async function compile(output: string, script: string, options: RunCommandOptions): Promise<void> {
	const directory = signedDirectoryOf(script, options.catalog);
	const signer = await developmentIdentity();
	const { products } = await compileTrustIndex([directory], {
		output,
		signer,
		trust: defaultTrust(),
		catalogs: options.catalog,
		development: "allow",
	});
	for (const { name, catalogs } of products) {
		const files = catalogs.map(({ file }) => quote(relative("", file) || file)).join(", ");
		const who = catalogs.every((each) => each.signer.development)
			? "this machine's development identity"
			: "your trust store";
		printNote(
			`note: ${plain(name)} is held against ${files} and ${who}, without a host configuration; other machines do not trust that`,
			options,
		);
	}
}

/** The nearest directory above the script with a catalog of its name in it; with catalogs given, that of the first. */
function signedDirectoryOf(script: string, catalogs: readonly string[] | undefined): string {
	const [catalog] = catalogs ?? [];
	if (catalog !== undefined) return dirname(resolve(catalog));
	for (let directory = dirname(realpathSync(script)); ; directory = dirname(directory)) {
		if (existsSync(join(directory, `${basename(directory)}.cat`))) return directory;
		if (directory !== dirname(directory)) continue;
		const mend = `run \`sigtool sign ${plain(relative("", dirname(script)) || ".")}\` first`;
		throw new SigtoolError("ERR_CATALOG_NOT_FOUND", `Cannot run ${quote(script)}: no catalog vouches for it; ${mend}`, {
			path: script,
		});
	}
}

interface Ending {
	readonly status: number | null;
	readonly signal: NodeJS.Signals | null;
}

/** A terminal sends its signals to both; others send them to this process alone, which passes them on. */
function launch(launcher: string, words: readonly string[]): Promise<Ending> {
	return new Promise((resolve, reject) => {
		const child = spawn(launcher, words, { stdio: "inherit" });
		for (const signal of PASSED_SIGNALS) {
			const isTyped = process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT");
			process.on(signal, () => isTyped || child.kill(signal));
		}
		child.on("exit", (status, signal) => resolve({ status, signal }));
		child.on("error", (cause) => {
			const message = `Cannot start ${quote(launcher)}: ${cause.message}`;
			reject(new SigtoolError("ERR_LAUNCHER", message, { cause, path: launcher }));
		});
	});
}

const PASSED_SIGNALS = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGCONT"] as const;

function endAs({ status, signal }: Ending): never {
	if (signal === null) process.exit(status ?? 1);
	for (const each of PASSED_SIGNALS) process.removeAllListeners(each);
	process.kill(process.pid, signal);
	process.exit(128); // Only a signal that this process was told to ignore gets here.
}
