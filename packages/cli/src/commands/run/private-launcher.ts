/**
 * Makes a launcher for a single run of code that this user's trust store trusts, such as code that this user signed.
 * This needs no installation and no host configuration.
 */

import { existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { compileTrustIndex, defaultTrust, developmentIdentity, type Policy, verifyTrustIndex } from "@sigtool/core";
import {
	catalogsCovering,
	configDirectory,
	DEVELOPMENT_REFUSERS,
	MAX_TRUST_INDEX_BYTES,
	readBounded,
	requireHostNode,
	singleFile,
	writeAtomically,
} from "@sigtool/core/internal";
import { COMMAND, quote, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { signCommandFor } from "../../configuration/sign-advice.js";
import { placeLauncher } from "../../launcher/launcher-place.js";
import { nativeParts } from "../../native/native-parts.js";
import { developmentOf } from "../../options/development.js";
import { usageError } from "../../options/usage.js";
import { escaped, printError, printNote } from "../../output/output.js";
import { aboutSpython, libraryOf, libraryOutside, ownSpython } from "../../python/spython.js";
import type { RunCommandOptions } from "./run-options.js";

/** @throws ERR_USAGE, ERR_LAUNCHER */
function nodeOf({ node }: RunCommandOptions): string {
	if (node === undefined) return requireHostNode();
	if (isFile(node)) return node;
	throw usageError(`Cannot use ${quote(node)} for --node: there is no such program`);
}

function isFile(path: string): boolean {
	try {
		return statSync(path).isFile();
	} catch {
		return false;
	}
}

/** The events of a run that only records. */
export interface Recording {
	/** The absolute path of the file of events, which must exist. */
	readonly log: string;
}

/**
 * Writes the launcher, its configuration and, unless --index names one, a trust index into `directory`. If this user
 * has a host configuration, it applies. Otherwise one is written that trusts the signer of the index. With `recording`
 * the mode is audit, a script that nobody signed may run, and no other host configuration applies.
 * @throws ERR_ROOT_MISSING, ERR_USAGE, ERR_CATALOG_NOT_FOUND, ERR_LAUNCHER, ERR_DEVELOPMENT_REFUSED, ERR_IO, and the errors of
 * `verifyTrustIndex` and `compileTrustIndex`
 */
export async function placePrivately(
	directory: string,
	script: string,
	options: RunCommandOptions,
	signal: AbortSignal,
	recording?: Recording,
): Promise<void> {
	if (options.module !== true) requireFile(script);
	if ((await developmentOf({})) === "refuse") {
		const message =
			recording === undefined
				? `Cannot run ${quote(script)} with a development identity: ${DEVELOPMENT_REFUSERS} forbids it; without --allow-development the installed launcher runs it`
				: `Cannot record ${quote(script)}: \`${COMMAND} audit\` accepts development identities, and ${DEVELOPMENT_REFUSERS} forbids that; lift it for this command, or record with the installed launcher in mode audit`;
		throw new SigtoolError("ERR_DEVELOPMENT_REFUSED", message, { path: script });
	}
	const parts = nativeParts();
	const python = isPython(script, options) ? findSpython(script, options.spython) : undefined;
	const node = python === undefined ? nodeOf(options) : undefined;
	const given = options.index ?? join(directory, "app.sigx");
	if (options.index === undefined) {
		const trees =
			recording === undefined
				? { signed: [await signedDirectoryOf(script, options)], adopted: [], policy: undefined }
				: await treesToRecord(directory, script, options);
		await compile(given, trees, python, options, signal);
	}
	const { index: verified, signer } = verifyTrustIndex(readBounded(given, MAX_TRUST_INDEX_BYTES), {
		trust: defaultTrust(),
		development: "allow",
	});
	if (options.index !== undefined && signer.development) {
		printError(`note: a development identity signed ${quote(options.index)}; other machines do not trust it`);
	}
	const index = realpathSync.native(given); // resolve() and realpathSync() would remove `link/..` as text.
	const { policy, products } = verified;
	if (python !== undefined)
		requireLibrary(
			python,
			index,
			products.map(({ root }) => root),
		);
	const own = join(configDirectory(), "verifier.json");
	const config = recording === undefined && existsSync(own) ? own : join(directory, "verifier.json");
	const mode = recording === undefined ? (options.mode ?? policy.mode) : "audit";
	if (config !== own) {
		const pins = [{ "spki-sha256": signer.spkiSha256, name: "signer of this index" }];
		const bound = products.map(({ name, root }) => ({ name, root }));
		const audit = recording && { jsonLines: recording.log, stderr: "off" };
		const recorded = recording && writeRecordingPolicy(directory, policy);
		const document = { version: 1, mode, onRefusal: "exit", pins, products: bound, index, audit, policy: recorded };
		writeAtomically(config, Buffer.from(`${JSON.stringify(document, null, "\t")}\n`), { mode: 0o600 });
	}
	placeLauncher(directory, parts, { node, spython: python, index, config, mode, development: "allow" });
	// The launcher is in its own place now. A signal may end this process without an event that removes the parts.
	singleFile()?.removeDirectories();
}

function requireFile(script: string): void {
	if (!existsSync(script)) {
		throw new SigtoolError("ERR_ROOT_MISSING", `Cannot run ${quote(script)}: it does not exist`, { path: script });
	}
	if (!statSync(script).isFile()) {
		throw usageError(`Cannot run ${quote(script)}: it is not a file; name the file that the program starts with`);
	}
}

/**
 * Returns true if the script is started with Python. native/launch/runtime.c decides this again by the same rules, and
 * the two must stay equal.
 */
function isPython(script: string, { python, module }: RunCommandOptions): boolean {
	return python === true || module === true || script.endsWith(".py");
}

function findSpython(script: string, given: string | undefined): string {
	const program = given ?? ownSpython();
	if (given !== undefined || existsSync(program)) return program;
	const mend = `build one with \`${COMMAND} python build --allow-development\`, or name one with --spython`;
	throw new SigtoolError("ERR_LAUNCHER", `Cannot run ${quote(script)}: there is no spython yet; ${mend}`, {
		path: script,
	});
}

/**
 * Refuses an index that does not cover the library of Python, because Python cannot start without its library. @throws
 * ERR_USAGE
 */
function requireLibrary(python: string, index: string, roots: readonly string[]): void {
	const [first] = libraryOutside(aboutSpython(python), roots);
	if (first === undefined || !existsSync(join(first, "encodings"))) return;
	const message = `Cannot run with ${quote(index)}: it vouches for no library of Python; compile it with \`${shell`--adopt ${first}`}\``;
	throw usageError(message);
}

interface Trees {
	readonly signed: readonly string[];
	/** Directories without a catalog, whose files are taken as they are. */
	readonly adopted: readonly string[];
	readonly policy: Policy | undefined;
}

/**
 * Writes a policy in mode audit that also records what a Python program writes to, so that these directories can be
 * learned. An index that somebody names has another policy, which decides everything else. Returns its path.
 */
function writeRecordingPolicy(directory: string, { python, ...policy }: Policy): string {
	const file = join(directory, "recording.json");
	const events = [...new Set([...python.events, ...WRITING_EVENTS])];
	const recorded = { ...policy, mode: "audit", python: { ...python, events } };
	writeAtomically(file, Buffer.from(JSON.stringify(recorded)), { mode: 0o600 });
	return file;
}

const WRITING_EVENTS = ["open", "os.mkdir", "os.remove", "sqlite3.connect"];

/** Returns the signed directory of the script. Without one an empty directory, because an index needs a product. */
async function treesToRecord(directory: string, script: string, options: RunCommandOptions): Promise<Trees> {
	try {
		return { signed: [await signedDirectoryOf(script, options)], adopted: [], policy: undefined };
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.code !== "ERR_CATALOG_NOT_FOUND") throw error;
		const empty = join(directory, "nothing-signed");
		mkdirSync(empty);
		return { signed: [], adopted: [empty], policy: undefined };
	}
}

/**
 * Verifies the signed directory that contains the script, and compiles it into a trust index that this machine's
 * development identity signs. For Python, the index also covers Python's library.
 */
async function compile(
	output: string,
	trees: Trees,
	python: string | undefined,
	options: RunCommandOptions,
	abort: AbortSignal,
): Promise<void> {
	const signer = await developmentIdentity();
	const library = python === undefined ? [] : libraryOf(aboutSpython(python));
	const { products } = await compileTrustIndex([...trees.signed, ...library.filter(isSigned)], {
		output,
		signer,
		trust: defaultTrust(),
		catalogs: options.catalog,
		policy: trees.policy,
		adopt: [...trees.adopted, ...library.filter((each) => !isSigned(each))],
		development: "allow",
		signal: abort,
	});
	for (const { name, catalogs } of products.filter(({ adopted }) => adopted !== true)) {
		const files = catalogs.map(({ file }) => quote(isAbsolute(file) ? relative("", file) : file)).join(", ");
		const who = catalogs.every((each) => each.signer.development)
			? "this machine's development identity"
			: "your trust store";
		// This note is printed even with --quiet.
		printError(
			`note: ${escaped(name)} is held against ${files} and ${who}, without a host configuration; other machines do not trust that`,
		);
	}
	const adopted = products
		.filter((product) => product.adopted === true && !trees.adopted.includes(product.root))
		.map(({ root }) => escaped(root));
	if (adopted.length > 0) printNote(`note: taken as they are now: ${adopted.join(", ")}`, options);
}

/**
 * Returns the directory of the first catalog in --catalog, or else the nearest directory above the script that has a
 * catalog. For a module, the search starts in the working directory.
 * @throws ERR_CATALOG_NOT_FOUND, ERR_CATALOG_AMBIGUOUS
 */
async function signedDirectoryOf(script: string, { catalog: catalogs, module }: RunCommandOptions): Promise<string> {
	const [catalog] = catalogs ?? [];
	if (catalog !== undefined) return dirname(catalog);
	const start = module === true ? "." : dirname(script);
	const [nearest] = catalogsCovering(module === true ? realpathSync(".") : dirname(realpathSync(script)));
	if (nearest !== undefined) return nearest.directory;
	const mend = `run \`${await signCommandFor(start)}\` first, or name its catalog with --catalog`;
	const message = `Cannot run ${quote(script)}: it lies in no signed directory; ${mend}`;
	throw new SigtoolError("ERR_CATALOG_NOT_FOUND", message, { path: script });
}

/** Returns true if the directory itself has a catalog, and not only a directory above it. */
function isSigned(directory: string): boolean {
	return catalogsCovering(directory)[0]?.directory === directory;
}
