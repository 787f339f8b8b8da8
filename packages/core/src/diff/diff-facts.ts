/** Compares the facts of two catalogs beside their entries: product, sequence, signer and rules. */

import { quote } from "../errors.js";
import type { CatalogFacts } from "../formats/cat-facts.js";
import type { CatalogSide, DiffSigner } from "./diff-side.js";

export interface FactDifference {
	readonly kind: "product" | "sequence" | "signer" | "rules";
	/** One line that tells what differs. */
	readonly message: string;
	readonly before: string | undefined;
	readonly after: string | undefined;
}

export function diffFacts(a: CatalogSide, b: CatalogSide): FactDifference[] {
	const differences: FactDifference[] = [];
	const compare = (
		kind: FactDifference["kind"],
		name: string,
		before: string | undefined,
		after: string | undefined,
	) => {
		if (before === after) return;
		const message = `${name} is ${after ?? "none"}, before ${before ?? "none"}`;
		differences.push({ kind, message, before, after });
	};
	compare("product", "the product", quoted(a.facts.product), quoted(b.facts.product));
	compare("sequence", "the sequence", a.facts.sequence?.toString(), b.facts.sequence?.toString());
	if (a.signer?.spkiSha256 !== b.signer?.spkiSha256) {
		compare("signer", "the signer", signerText(a.signer), signerText(b.signer));
	}
	for (const name of ["ignore", "include"] as const)
		differences.push(...listDifferences(name, a.facts[name], b.facts[name]));
	compare("rules", "the scope", scopeText(a.facts), scopeText(b.facts));
	for (const name of ["links", "modes", "caseCollisions"] as const) {
		compare("rules", `the rule ${name}`, a.facts[name], b.facts[name]);
	}
	return differences;
}

function quoted(text: string | undefined): string | undefined {
	return text === undefined ? undefined : quote(text);
}

function signerText(signer: DiffSigner | undefined): string | undefined {
	return signer && `${signer.subject === undefined ? "" : `${quote(signer.subject)} `}${signer.spkiSha256}`;
}

function listDifferences(name: "ignore" | "include", before: readonly string[], after: readonly string[]) {
	const [old, current] = [new Set(before), new Set(after)];
	const differences: FactDifference[] = [
		...after
			.filter((pattern) => !old.has(pattern))
			.map((pattern) => ({ message: `the rule ${name} ${quote(pattern)} is new`, before: undefined, after: pattern })),
		...before
			.filter((pattern) => !current.has(pattern))
			.map((pattern) => ({ message: `the rule ${name} ${quote(pattern)} is gone`, before: pattern, after: undefined })),
	].map((difference) => ({ kind: "rules" as const, ...difference }));
	const isSame = before.length === after.length && before.every((pattern, index) => pattern === after[index]);
	if (differences.length > 0 || isSame) return differences;
	const message = `the ${name} rules are in another order or number`;
	return [{ kind: "rules" as const, message, before: before.join("\n"), after: after.join("\n") }];
}

function scopeText({ scope }: CatalogFacts): string {
	return typeof scope === "string" ? scope : scope.map(quote).join(" ");
}
