/** Makes what an index needs so that the rules of its policy can be applied: the signers of products, and texts. */

import { type FileRules, type ProductSigner, ruleOn } from "../trust/file-rules.js";
import { productSigner } from "../trust/product-signer.js";
import type { CompiledDirectory, CompiledProduct } from "./compile-directory.js";
import type { CompiledSources } from "./source-collector.js";

/** Returns the signers of a product, each once. Undefined for an adopted product, which nobody signed. */
export function signersOf({ adopted, catalogs }: CompiledProduct): readonly ProductSigner[] | undefined {
	if (adopted === true) return undefined;
	const signers = catalogs.map(({ signer }) => productSigner(signer));
	return [...new Map(signers.map((signer) => [JSON.stringify(signer), signer])).values()];
}

/** Returns the sources whose files the rules permit. The texts of the others must not become signed texts. */
export function permittedSources(
	{ product, content, sources }: CompiledDirectory,
	rules: FileRules | undefined,
): CompiledSources {
	if (rules === undefined) return sources;
	const signers = signersOf(product) ?? [];
	const isPermitted = ([path]: readonly [string, unknown]) => {
		const entry = content.entries.get(path);
		return (
			entry?.kind === "file" && ruleOn(rules, { product: product.name, path, sha256: entry.sha256, signers }).isAllowed
		);
	};
	return {
		...sources,
		unmarked: new Map([...sources.unmarked].filter(isPermitted)),
		typescript: new Map([...sources.typescript].filter(isPermitted)),
	};
}
