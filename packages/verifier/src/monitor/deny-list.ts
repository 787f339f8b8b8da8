/**
 * The deny list of a process. It has the denials of the start, and those that the host configuration adds while the
 * process runs. When a file is judged, the configuration is looked at, unless the last look was less than LOOK_SECONDS
 * ago. A denial never ends before the process does, whatever becomes of the configuration. A program that keeps the
 * configuration from being looked at loads nothing more.
 */

import { digestsToDeny, LOOK_SECONDS } from "@sigtool/core/internal/read";
import type { Certificate, Denial, JudgedTime, VerifiedSigner } from "@sigtool/core/read";
import type { Audit } from "../audit/audit.js";
import type { EventDetail, EventVerdict } from "../audit/events.js";
import type { Development } from "../host/config.js";
import { monotonic, now, statSync } from "../safe/primordials.js";
import { IN_BIG_INTEGERS } from "../safe/record.js";
import { isFaultOfFile, rereadDenials } from "./reread-denials.js";
import type { End } from "./term.js";

export interface DenyList {
	/** Returns the denial of the file with this SHA-256 in lower-case hexadecimal, or of everything. Else undefined. */
	denialOf(sha256: string): Denied | undefined;
	/** Does the same for the file alone. */
	denialOfFile(sha256: string): Denied | undefined;
}

export interface Denied {
	/** A phrase that says what is denied, and the reason. */
	readonly why: string;
	/** The reason in the deny list. */
	readonly reason: string;
	/** A phrase that says what to do, if it is not the file that is denied. */
	readonly mend?: string;
}

/**
 * The reasons of denials, by kind and digest. It has no prototype, and grows while the process runs. Threads that start
 * later get a copy.
 */
export type Denials = Record<string, string | undefined>;

/** A digest on which an index, or catalogs, rest as a whole. If it is denied, everything of them is refused. */
export interface Ground extends Omit<Denial, "reason"> {
	/** The thing that has the digest, e.g. `the key that signed the index`. */
	readonly what: string;
	/**
	 * The time in milliseconds since the epoch from which the denial counts, or 0 if it always counts. That of a
	 * timestamp authority counts from the end of the signer's certificate, because no timestamp is needed before.
	 */
	readonly from: number;
}

export interface WatchedFile {
	readonly file: string;
	readonly development: Development;
}

/**
 * Makes the deny list. `denials` are those of the start, and get those that are found later.
 * @param watched the host configuration to look at; undefined if the program brought its own trust
 */
export function createDenyList(
	denials: Denials,
	grounds: readonly Ground[],
	watched: WatchedFile | undefined,
	audit: Audit | undefined,
): DenyList {
	let whole = denialOfGrounds();
	let nextLook = monotonic();
	/** The identity of the file at the last look, and the identity with which it was last read twice. */
	let seen = "";
	let settled = "";
	let fault: string | undefined;
	/** Denies everything while the program keeps the file from being looked at. */
	let prevented: Denied | undefined;

	function denialOfGrounds(): (Denied & { readonly from: number }) | undefined {
		let found: (Denied & { readonly from: number }) | undefined;
		for (let i = 0; i < grounds.length; i++) {
			// The type assertion is safe: `i` is below the length.
			const { kind, sha256, what, from } = grounds[i] as Ground;
			const reason = denials[`${kind} ${sha256}`];
			if (reason === undefined || (found !== undefined && found.from <= from)) continue;
			found = { why: `the deny list names ${what}: ${reason}`, reason, mend: GROUND_MEND, from };
		}
		return found;
	}

	function look(): void {
		if (watched === undefined || monotonic() < nextLook) return;
		nextLook = monotonic() + LOOK_NS;
		let count: number;
		try {
			const identity = identityOf(watched.file);
			if (identity === settled) {
				prevented = undefined;
				return;
			}
			count = takeOver(watched);
			// A file that was read while somebody wrote to it can keep its identity, so it is read once more.
			settled = identity === seen ? identity : "";
			seen = identity;
			fault = undefined;
			prevented = undefined;
		} catch (error) {
			settled = "";
			const { message } = error as Error;
			if (isFaultOfFile(error as Error)) {
				prevented = undefined;
			} else {
				prevented = { why: `the deny list cannot be read again: ${message}`, reason: message };
				nextLook = 0n;
			}
			if (message !== fault) say("record", { path: watched.file, reason: "ERR_HOST_CONFIG", detail: message });
			fault = message;
			return;
		}
		if (count > 0) say("allow", { path: watched.file, count });
	}

	/** Adds the denials in the file, and returns how many are new. */
	function takeOver({ file, development }: WatchedFile): number {
		let count = 0;
		for (let node = rereadDenials(file, development); node !== undefined; node = node.next) {
			const key = `${node.kind} ${node.sha256}`;
			if (denials[key] !== undefined) continue;
			denials[key] = node.reason;
			count++;
		}
		const isFinal = whole !== undefined && whole.from === 0;
		if (count > 0 && !isFinal) whole = denialOfGrounds();
		return count;
	}

	function say(verdict: EventVerdict, detail: EventDetail<"verifier.reload">): void {
		try {
			audit?.raise("verifier.reload", verdict, detail);
		} catch {
			// No sink and no hook can keep a denial from counting.
		}
	}

	function denialOfFile(sha256: string): Denied | undefined {
		look();
		const reason = denials[`file ${sha256}`];
		return reason === undefined ? undefined : { why: `the deny list names it: ${reason}`, reason };
	}

	return {
		denialOfFile,
		denialOf(sha256) {
			look();
			if (prevented !== undefined) return prevented;
			if (whole !== undefined && whole.from <= now()) {
				// It stays so, even if the clock is set back.
				whole = { ...whole, from: 0 };
				return whole;
			}
			return denialOfFile(sha256);
		},
	};
}

const GROUND_MEND = "install a release that does not rest on it, such as one that another key signed";

const LOOK_NS = BigInt(LOOK_SECONDS) * 1_000_000_000n;

/** Returns what changes if the file is changed or replaced. @throws Error if it is not there */
function identityOf(file: string): string {
	const stats = statSync(file, IN_BIG_INTEGERS);
	return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

export function noDenials(): Denials {
	return Object.create(null);
}

export function addDenials(denials: Denials, deny: readonly Denial[]): Denials {
	for (const { kind, sha256, reason } of deny) denials[`${kind} ${sha256}`] = reason;
	return denials;
}

/** A verified signature, and how it was judged. */
export interface Signed {
	readonly signer: VerifiedSigner;
	readonly judgedAt: JudgedTime;
	readonly timestamp:
		| { readonly certificate: Certificate; readonly chain: { readonly certificates: readonly Certificate[] } }
		| undefined;
}

/** Returns the digests of the certificates by which a signer is trusted, and of those by which its time is proven. */
export function groundsOf({ signer, timestamp }: Signed): Ground[] {
	const { leaf, chain, expiries } = signer;
	const end = Math.min(...expiries.map(({ notAfter }) => notAfter));
	return [
		...digestsOf([leaf], "its signer"),
		...digestsOf(chain, "the chain of its signer"),
		...digestsOf(timestamp?.chain.certificates ?? [], "the authority of its timestamp").map((ground) => {
			return { ...ground, from: end };
		}),
	];
}

function digestsOf(certificates: readonly Certificate[], whose: string): Ground[] {
	return certificates
		.flatMap(digestsToDeny)
		.map((digest) => ({ ...digest, what: `a ${digest.kind} of ${whose}`, from: 0 }));
}

/** Returns the end of the signer's certificates, unless a timestamp lets the signature outlive them. */
export function endsOf({ signer, judgedAt }: Signed): End[] {
	const isProven = judgedAt.without === undefined;
	return isProven ? [] : [{ what: "certificate", notAfter: Math.min(...signer.expiries.map((each) => each.notAfter)) }];
}
