/** Says about each side of a comparison what it is, and who vouches for it. */

import type { DiffSide, DiffSigner } from "@sigtool/core/internal";
import { quote, reasonOf } from "@sigtool/core/internal/errors";
import { escaped } from "../../output/output.js";
import { count } from "../../output/render.js";

export function sideFields(side: DiffSide): Record<string, unknown> {
	const { path, kind, entryCount } = side;
	if (side.kind === "tree") {
		return { path, kind, entries: entryCount, root: side.manifest.root, leftOut: side.leftOut };
	}
	const { unverified, signer, facts } = side;
	return {
		path,
		kind,
		entries: entryCount,
		verified: unverified === undefined,
		problem: unverified === undefined ? null : { code: unverified.code, message: unverified.message },
		product: facts.product ?? null,
		sequence: facts.sequence ?? null,
		signer: signer === undefined ? null : { ...signer, subject: signer.subject ?? null },
	};
}

export function sideRows(label: string, side: DiffSide): [string, string | undefined][] {
	const entries = count(side.entryCount, "entry", "entries");
	if (side.kind === "tree") {
		return [
			[label, `the directory ${escaped(side.path)} as it is now: ${entries}`],
			["left out", leftOutText(side.leftOut)],
		];
	}
	const { path, facts, unverified, signer } = side;
	const product = facts.product === undefined ? "" : ` of ${escaped(facts.product)}`;
	const sequence = facts.sequence === undefined ? "" : `, sequence ${facts.sequence}`;
	const name = signer?.subject ?? signer?.spkiSha256;
	const signed =
		name === undefined ? "" : unverified === undefined ? `by ${escaped(name)}` : `claims to be by ${escaped(name)}`;
	const state =
		unverified === undefined ? "signature verified" : `not verified: ${reasonOf(unverified)} [${unverified.code}]`;
	return [
		[label, `the catalog ${escaped(path)}${product}${sequence}: ${entries}`],
		["signed", [state, signed].filter(Boolean).join("; ")],
	];
}

const MAX_NAMES = 5;

function leftOutText(leftOut: readonly string[]): string | undefined {
	if (leftOut.length === 0) return undefined;
	const rest = leftOut.length - MAX_NAMES;
	return `${leftOut.slice(0, MAX_NAMES).map(escaped).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

type VerifiedSide = Extract<DiffSide, { readonly kind: "catalog" }> & { readonly signer: DiffSigner };

/** Returns true for a catalog that a trusted signer signed. */
export function isVerified(side: DiffSide): side is VerifiedSide {
	return side.kind === "catalog" && side.unverified === undefined && side.signer !== undefined;
}

export function unverifiedWarnings(sides: readonly DiffSide[]): string[] {
	return sides.flatMap((side) => {
		if (side.kind === "tree" || side.unverified === undefined) return [];
		return [`nobody vouches for the content of ${quote(side.path)}: ${reasonOf(side.unverified)}`];
	});
}
