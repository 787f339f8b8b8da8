/** Collects what the event of a start tells beside its verdict, for those who look after many hosts. */

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { type IndexDigests, SigtoolError, type VerifiedSigner } from "@sigtool/core/read";
import type { EventDetail } from "../audit/events.js";
import { isoTime } from "../safe/primordials.js";
import type { CodeIndex } from "./judge.js";

/** The bundler replaces this name with the version in package.json. It does not exist where a test loads this file. */
declare const SIGTOOL_VERSION: string | undefined;

/** Verified index, the signers that signed it, and its digests. */
interface Evidence {
	readonly index: CodeIndex;
	readonly signers: readonly VerifiedSigner[];
	readonly digests: IndexDigests | undefined;
}

/** Tells which index and signer were verified, and when they end. */
export function evidenceFacts({ index, signers, digests }: Evidence) {
	const ends = signers.flatMap(({ expiries }) => expiries.map(({ notAfter }) => notAfter));
	return {
		index: digests?.index,
		compiled: digests === undefined ? undefined : index.compiled, // Catalogs without an index have no such sequence.
		notAfter: index.notAfter === undefined ? undefined : isoTime(index.notAfter),
		signer: signers[0]?.spkiSha256,
		signerNotAfter: ends.length === 0 ? undefined : isoTime(Math.min(...ends)),
		products: index.products
			.map(({ name, sequence }) => (sequence === undefined ? name : `${name}@${sequence}`))
			.join(" "),
	} satisfies EventDetail<"verifier.start">;
}

/** Tells where this process belongs. `script` is the absolute path of the program's file, if it is known. */
export function processFacts(script: string | undefined) {
	return {
		version: typeof SIGTOOL_VERSION === "undefined" ? undefined : SIGTOOL_VERSION,
		script,
		unit: ownUnit(),
		uid: process.getuid?.(),
		host: hostname(),
	} satisfies EventDetail<"verifier.start">;
}

/** Tells why this process may not start. */
export function refusalFacts(error: unknown, script: string | undefined) {
	const isOwn = error instanceof SigtoolError;
	const detail = error instanceof Error ? error.message : String(error);
	return { ...processFacts(script), reason: isOwn ? error.code : "ERR_INTERNAL", detail };
}

/** Returns the unit of systemd that the control group of this process is named after, e.g. `app.service`. */
function ownUnit(): string | undefined {
	try {
		const names = readFileSync("/proc/self/cgroup", "utf8").split(/[/\n]/);
		return names.filter((name) => /\.(service|scope)$/.test(name)).at(-1);
	} catch {
		return undefined; // Other systems have no such file.
	}
}
