/**
 * Explains the error by which a program ends because Node.js found no module, if a signed tree is not as it was signed: a
 * file that the index names is gone, or a package.json led elsewhere that nobody signed. Node.js looks for modules without
 * calling a hook, so its error says nothing of signatures.
 */

import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { quote } from "@sigtool/core/internal/read";
import { STANDARD_ERROR, writeFully } from "../../audit/sinks.js";
import type { Monitor } from "../../monitor/monitor.js";
import { untrustedCode } from "../../monitor/untrusted-code.js";

/** Writes one line to standard error when such an error ends the program. The error stays as it is. */
export function explainMissingModules(monitor: Monitor): void {
	process.on("uncaughtExceptionMonitor", (error) => {
		try {
			const why = explanationOf(monitor, error);
			if (why !== undefined) writeFully(STANDARD_ERROR, `sigtool: ${why}\n`);
		} catch {
			// The program may have thrown anything, and Node.js prints it all the same.
		}
	});
}

const CODES: ReadonlySet<unknown> = new Set([
	"MODULE_NOT_FOUND",
	"ERR_MODULE_NOT_FOUND",
	"ERR_PACKAGE_PATH_NOT_EXPORTED",
	"ERR_PACKAGE_IMPORT_NOT_DEFINED",
]);

interface MissingModule extends Error {
	readonly code: string;
	/** The files that required each other, the innermost first. `import` sets no such member. */
	readonly requireStack?: readonly string[];
}

function explanationOf(monitor: Monitor, error: unknown): string | undefined {
	if (!(error instanceof Error) || !CODES.has((error as Partial<MissingModule>).code)) return undefined;
	// The type assertion is safe: the error has one of the codes.
	const files = filesWantedBy(error as MissingModule);
	for (const file of files) {
		const stats = lstatSync(file, { throwIfNoEntry: false });
		if (stats === undefined && monitor.isNamed(file))
			return `Cannot find ${quote(file)}: it is signed, but it is not there; put the signed release in place, or sign the tree and compile the index again`;
		const verdict = stats?.isFile() ? monitor.examine(file) : undefined;
		if (verdict?.trusted === false) return untrustedCode(file, verdict).message;
	}
	return undefined;
}

/** Lists the files by which Node.js could have found the module. A package.json comes before the files that it names. */
function filesWantedBy({ message, requireStack = [] }: MissingModule): string[] {
	const [, request = ""] = /'([^']+)'/.exec(message) ?? [];
	const [, importer] = / imported from (.+)$/m.exec(message) ?? [];
	const [, definer] = / in (\/.+\/package\.json)/.exec(message) ?? [];
	const parent = requireStack[0] ?? (importer?.startsWith("file:") ? fileURLToPath(importer) : importer);
	const wanted = definer === undefined ? [] : [definer];
	if (request.startsWith("/")) return [...wanted, ...formsOf(request)];
	if (parent === undefined) return wanted;
	if (request.startsWith(".")) return [...wanted, ...formsOf(join(dirname(parent), request))];
	const [name] = /^(?:@[^/]+\/)?[^/]+/.exec(request) ?? [];
	return name === undefined ? wanted : [...wanted, ...packagesAbove(dirname(parent), name)];
}

/** Lists the names that Node.js tries for a path, and before them the package.json of the package that it lies in. */
function formsOf(path: string): string[] {
	const [owner] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
	const forms = ["", ".js", ".json", ".node", ".mjs", ".cjs", "/index.js"].map((end) => `${path}${end}`);
	return [`${owner ?? path}/package.json`, ...forms];
}

/** Lists where a package can lie, each with its package.json, and with that to which a link leads, as pnpm makes them. */
function packagesAbove(directory: string, name: string): string[] {
	const own = join(directory, "node_modules", name);
	const target = lstatSync(own, { throwIfNoEntry: false })?.isSymbolicLink()
		? [join(resolve(dirname(own), readlinkSync(own)), "package.json")]
		: [];
	const found = [own, ...target, join(own, "package.json")];
	return dirname(directory) === directory ? found : [...found, ...packagesAbove(dirname(directory), name)];
}
