/** Holds the files of an installed launcher's trees against the index, before a restart would meet the difference. */

import { join } from "node:path";
import type { ErrorCode, ExitStatus } from "@sigtool/core";
import { compareEntries, worstExitStatus } from "@sigtool/core/internal";
import { reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { type HostProduct, productsOfHost } from "@sigtool/verifier/internal";
import { count } from "../output/render.js";
import type { LauncherFinding } from "./finding.js";
import { readLauncherConf } from "./launcher-conf.js";
import { CONF_NAME } from "./launcher-place.js";
import { owningPackages } from "./owning-packages.js";

export interface ChangedFile {
	readonly code: ErrorCode;
	/** The path of the entry below the product's root. */
	readonly path: string;
	readonly message: string;
	/** The package to which the file belongs, if dpkg knows. */
	readonly package: string | undefined;
}

export interface ComparedProduct {
	readonly name: string;
	readonly root: string;
	readonly adopted: boolean;
	readonly entries: number;
	readonly changed: readonly ChangedFile[];
	/** The packages of the changed files. */
	readonly packages: readonly string[];
}

export interface ComparedFiles {
	/** The status 1 means that files differ, and 3 that some could not be compared and no other differs. */
	readonly exit: 0 | ExitStatus;
	readonly products: readonly ComparedProduct[];
	readonly findings: readonly LauncherFinding[];
}

/**
 * Compares every file that the index of the launcher in a directory names. Failures are findings, never thrown.
 */
export async function compareFiles(directory: string): Promise<ComparedFiles> {
	let hosted: readonly HostProduct[];
	try {
		const confFile = join(directory, CONF_NAME);
		hosted = productsOfHost(readLauncherConf(confFile));
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const says = `not compared: ${reasonOf(error)} [${error.code}]`;
		return { exit: error.exitStatus, products: [], findings: [{ what: "files", status: "wrong", says }] };
	}
	const products: ComparedProduct[] = [];
	for (const product of hosted) products.push(await compare(product));
	const changed = products.flatMap((product) => product.changed);
	return { exit: changed.length === 0 ? 0 : worstExitStatus(changed), products, findings: products.map(findingOf) };
}

async function compare({ name, root, adopted, entries: listed }: HostProduct): Promise<ComparedProduct> {
	const entries = new Map(listed());
	let differing: readonly Omit<ChangedFile, "package">[];
	try {
		differing = await compareEntries(root, entries);
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const isMissing = error.code === "ERR_ROOT_MISSING";
		const [code, message] = isMissing
			? (["ERR_FILE_MISSING", `${root} is missing`] as const)
			: [error.code, error.message];
		differing = [{ code, path: "", message }];
	}
	const owners = owningPackages(differing.map(({ path }) => join(root, path)));
	const changed = differing.map(({ code, path, message }) => {
		return { code, path, message, package: owners.get(join(root, path)) };
	});
	return { name, root, adopted, entries: entries.size, changed, packages: [...new Set(owners.values())].sort() };
}

/** The number of changed files that a person reads. JSON has all of them. */
const SHOWN = 3;

function findingOf({ root, adopted, entries, changed, packages }: ComparedProduct): LauncherFinding {
	if (changed.length === 0)
		return { what: "files", status: "ok", says: `${root}, ${count(entries, "entry", "entries")} as in the index` };
	const named = changed.slice(0, SHOWN).map(({ message }) => message);
	const more = changed.length > SHOWN ? [`${changed.length - SHOWN} more`] : [];
	const owners =
		packages.length === 0 ? "" : ` (of ${packages.length === 1 ? "package" : "packages"} ${packages.join(", ")})`;
	const says = `${root}: ${[...named, ...more].join(", ")}${owners}; ${mendOf(adopted, changed)}`;
	return { what: "files", status: "wrong", says };
}

function mendOf(adopted: boolean, changed: readonly ChangedFile[]): string {
	if (worstExitStatus(changed) === 3)
		return "not all files could be compared: run the check as a user who may read them";
	const mend = adopted
		? "compile the index again and put it in place"
		: "put the signed release and its index in place";
	return `before the next restart, ${mend}`;
}
