/**
 * Decides what a configuration may say about trust.
 *
 * Somebody who can write the files that are verified may write the configuration too. So it decides whom to trust only
 * if the user named it, and if neither it nor a certificate that it names lies in a tree that is verified. Any other
 * configuration only narrows: what the user's own trust store refuses stays refused.
 */

import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { catalogsCovering, operandKind } from "@sigtool/core/internal";
import { COMMAND, quote, shell } from "@sigtool/core/internal/errors";
import type { ProjectConfiguration } from "./configuration.js";
import { leadsThrough } from "./places.js";
import { unfit } from "./read-document.js";
import { pathOf, present } from "./settings.js";

/** The certificates to which a configuration narrows the trust store of the user. */
export interface Narrowing {
	readonly files: readonly string[];
	/** The end of a message for a signer that the trust store does not trust. */
	readonly mend: string;
	/** The end of a message for a signer that the configuration does not trust. */
	readonly mendWithin: string;
}

/** The options about trust. Absent members stay undefined. */
export interface TrustSettings {
	readonly trust?: readonly string[];
	readonly narrowing?: Narrowing;
	/** Says that the configuration decides whom to trust, by `trust`. */
	readonly trustFrom?: "configuration";
	readonly tsaTrust?: readonly string[];
	readonly require?: string;
	readonly added?: "fail" | "warn" | "ignore";
	readonly maxSize?: string;
	readonly crl?: readonly string[];
	readonly ocsp?: "require" | "prefer" | "off";
}

/** Returns the options about trust for the verification of these trees, as `verifiedTrees` returns them. */
export function trustSettings(configuration: ProjectConfiguration, trees: readonly string[]): TrustSettings {
	const { members } = configuration;
	const { trust, requireSignatures, added, maxFileBytes, crl, ocsp } = members.verify ?? {};
	const files = trust?.map((path) => pathOf(configuration, path));
	const tsaTrust = members.timestampTrust?.map((path) => pathOf(configuration, path));
	const stricter = {
		require: requireSignatures === undefined ? undefined : String(requireSignatures),
		maxSize: maxFileBytes === undefined ? undefined : String(maxFileBytes),
		crl: crl?.map((each) => (each === "fetch" ? each : dotted(pathOf(configuration, each)))),
		ocsp,
	};
	const obstacle = obstacleTo(configuration, trees);
	if (obstacle === undefined)
		return present({ ...stricter, trust: files, trustFrom: files && "configuration", tsaTrust, added });
	return present({
		...stricter,
		narrowing: files && narrowingOf(configuration, files, obstacle),
		added: added === "fail" ? added : undefined,
	});
}

/**
 * Refuses a configuration that nobody named, if sigtool by itself finds a catalog which the configuration does not name.
 * An attacker could put a configuration into a signed tree, and so choose an older catalog, which the outer tree does
 * not sign. `catalogs` has the catalogs that the configuration names, and is empty if it names attributes alone.
 * @throws ERR_CONFIG; ERR_CATALOG_AMBIGUOUS if several catalogs could be meant, because one of them may be the attacker's
 */
export function refuseOtherCatalogs(
	{ file, origin, members, places }: ProjectConfiguration,
	trees: readonly string[],
	catalogs: readonly string[] | undefined,
): void {
	if (origin !== "found" || catalogs === undefined) return;
	const named = new Set(catalogs.flatMap((catalog) => orNothing(() => [realpathSync.native(catalog)])));
	const covering = trees.flatMap((tree) => catalogsCovering(tree));
	const other = covering.find((catalog) => !named.has(catalog.file));
	if (other === undefined) return;
	const what = catalogs.length === 0 && members.verify?.catalogs === undefined ? "attributes" : "catalogs";
	const reason = `it names ${what} in place of ${quote(other.file)}, which covers the same files; \`${shell`--config ${file}`}\` allows it`;
	throw unfit(file, places.get("verify.catalogs") ?? places.get("output") ?? places.get("formats"), reason);
}

/** The option --crl takes the word `fetch` for an order, so a file of that name needs its directory. */
function dotted(path: string): string {
	return path === "fetch" ? "./fetch" : path;
}

function narrowingOf({ file }: ProjectConfiguration, files: readonly string[], obstacle: string): Narrowing {
	const way = `if you trust it, add its certificate with \`${COMMAND} trust add\``;
	return {
		files,
		mend: `${way}; the configuration ${quote(file)} cannot decide that, because ${obstacle}`,
		mendWithin: `the configuration ${quote(file)} names other signers`,
	};
}

/**
 * Returns why a configuration cannot decide whom to trust when these trees are verified, or undefined if it can. `trees`
 * are as `verifiedTrees` returns them.
 */
export function obstacleTo(configuration: ProjectConfiguration, trees: readonly string[]): string | undefined {
	const { file, origin, members } = configuration;
	if (origin === "found") return `it was found; \`${shell`--config ${file}`}\` names it on purpose`;
	const named = [...(members.verify?.trust ?? []), ...(members.timestampTrust ?? [])];
	const certificates = named.map((path) => pathOf(configuration, path));
	const inside = [file, ...certificates].find((each) => trees.some((tree) => leadsThrough(tree, each)));
	if (inside === undefined) return undefined;
	return `${inside === file ? "it" : quote(inside)} lies in the tree that is verified, or its path leads through it`;
}

/**
 * Returns the real paths of the trees that are verified with these operands. Without `catalogs` the outermost tree whose
 * catalog covers the operand counts too, because it was signed as a whole. A trust index has no tree.
 */
export function verifiedTrees(
	operands: readonly string[],
	{ root, catalogs }: { readonly root?: string; readonly catalogs?: readonly string[] },
): string[] {
	const named = root === undefined ? operands.filter((operand) => !isIndex(operand)) : [root];
	const directories = named.flatMap((path) => [
		...orNothing(() => (statSync(path).isDirectory() ? [] : [realpathSync.native(dirname(path))])),
		...orNothing(() => {
			const real = realpathSync.native(path);
			return [statSync(real).isDirectory() ? real : dirname(real)];
		}),
	]);
	if (catalogs !== undefined) return directories;
	const covering = directories.flatMap((directory) => orNothing(() => [...catalogsCovering(directory)]));
	return [...directories, ...covering.flatMap(({ directory }) => orNothing(() => [realpathSync.native(directory)]))];
}

function isIndex(operand: string): boolean {
	return orNothing(() => [operandKind(operand)])[0] === "index";
}

/** Returns nothing for a path that cannot be looked at. The verification itself reports the error. */
function orNothing<T>(look: () => T[]): T[] {
	try {
		return look();
	} catch {
		return [];
	}
}
