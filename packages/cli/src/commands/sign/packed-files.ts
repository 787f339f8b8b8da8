/** Asks npm which files the package has that is made of a signed tree, for `sign --check npm`. */

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { basename, delimiter, dirname, join, sep } from "node:path";
import { hostNode, packageDirectoryOf, programIn, type SignTarget } from "@sigtool/core/internal";
import { errnoReason, quote, requireStarted, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../../options/usage.js";
import { pathWithin } from "../../output/locations.js";

/** The answer of npm about the package of a signed tree. */
export interface PackageCheck {
	/** The files of the package, relative to its directory. */
	readonly packed: readonly string[];
	/**
	 * Refuses the catalog that was written if npm leaves it out of the package, and removes it again. npm tells nothing
	 * about a file that is not there yet.
	 * @throws ERR_PACKED_FILE, and the errors of `checkByNpm`
	 */
	confirm(): void;
}

/**
 * Asks npm about the package to which the target belongs. Runs no script of the package.
 * @throws ERR_USAGE if the target belongs to no package, or if npm cannot tell; ERR_IO
 */
export function checkByNpm({ root, output }: SignTarget): PackageCheck {
	if (output === undefined) throw usageError("Use --check npm for a catalog: npm leaves attributes out of packages");
	const directory = packageDirectoryOf(root);
	if (directory === undefined)
		throw usageError(
			`Use --check npm for a package: ${quote(root)} has no package.json, there or above, with "name" and "version" and without "private"`,
		);
	const packed = filesOf(directory);
	const catalog = pathWithin(directory, output)?.split(sep).join("/");
	const requireIn = (files: readonly string[]) => {
		if (catalog === undefined || files.includes(catalog)) return;
		const message = `Cannot sign ${quote(root)}: npm leaves the catalog ${quote(catalog)} out of the package; name it in "files" of package.json`;
		throw new SigtoolError("ERR_PACKED_FILE", message, { path: output });
	};
	if (existsSync(output)) {
		requireIn(packed);
		return { packed, confirm: () => {} };
	}
	return {
		packed,
		confirm() {
			try {
				requireIn(filesOf(directory));
			} catch (error) {
				rmSync(output);
				throw error;
			}
		},
	};
}

function filesOf(directory: string): readonly string[] {
	const [program, ...before] = npmOf(directory);
	const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--workspaces=false", "--loglevel=error"];
	const { status, stdout, stderr, error } = spawnSync(program, [...before, ...args], {
		cwd: directory,
		// npm sets these for its scripts. They would make the npm that is asked obey the options of the one that runs.
		env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
		encoding: "utf8",
		maxBuffer: MAX_LIST_BYTES,
	});
	requireStarted(program, error);
	const files = error === undefined && status === 0 ? filesIn(stdout) : undefined;
	if (files !== undefined) return files;
	const [said] = (stderr ?? "").trim().split("\n");
	const ended = `npm pack --dry-run ended with status ${status}${said === "" ? " and no list" : `: ${said}`}`;
	const reason = error === undefined ? ended : errnoReason(error);
	throw usageError(`Cannot ask npm for the files of ${quote(directory)}: ${reason}`);
}

const MAX_LIST_BYTES = 2 ** 28;

/** Returns npm as a command: the npm that runs this as a script, or the first in PATH that is not of the package. */
function npmOf(directory: string): readonly [string, ...string[]] {
	const node = hostNode();
	const running = process.env.npm_execpath ?? "";
	if (node !== undefined && basename(running) === "npm-cli.js") return [node, running];
	const beside = node === undefined ? "" : join(dirname(node), "node_modules/npm/bin/npm-cli.js");
	const search = (process.env.PATH ?? "").split(delimiter).filter((each) => pathWithin(directory, each) === undefined);
	const npm = process.platform === "win32" ? undefined : programIn(search.join(delimiter), ["npm"]);
	if (npm !== undefined) return [npm];
	if (process.platform !== "win32") throw usageError("Use --check npm where npm is: no directory of PATH has it");
	// On Windows npm is a script for cmd.exe, which would take names of files for commands.
	if (node !== undefined && existsSync(beside)) return [node, beside];
	throw usageError(`Use --check npm where npm is: ${quote(beside)} is not there; call it in a script of package.json`);
}

/** Reads a list with one package by npm up to 11, and an object with one by npm 12. */
function filesIn(json: string): readonly string[] | undefined {
	try {
		const [{ files }] = Object.values(JSON.parse(json)) as { files: { path: string }[] }[];
		return files.map(({ path }) => path);
	} catch {
		return undefined;
	}
}
