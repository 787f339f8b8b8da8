/** Asks what a new configuration says. Each question has an answer by default. */

import { startAsking } from "../../options/ask.js";
import { usageError } from "../../options/usage.js";
import type { InitOptions } from "./init-options.js";
import { usualPath, usualProduct } from "./usual.js";

export interface Answers {
	readonly paths: readonly string[];
	readonly options: InitOptions;
}

/** Asks for everything that operands and options have not said. @throws ERR_USAGE */
export async function askFor(paths: readonly string[], options: InitOptions): Promise<Answers> {
	const asking = startAsking();
	const list = async (question: string, otherwise = "") => words(await asking.ask(question, otherwise));
	try {
		const sign = paths.length > 0 ? paths : await list("What to sign (directories or files)", usualPath());
		const product = options.product ?? (await asking.ask("Name of the product", usualProduct()));
		const output =
			sign.length === 1 || options.output !== undefined
				? options.output
				: await asking.ask("File for the catalog of all of it", "release.cat");
		const exclude = options.exclude ?? (await list("Files to leave out (patterns, as in .gitignore)"));
		const key = namesKey(options) ? {} : signerOf(await list(WHO_SIGNS, "development"));
		const timestamp = options.timestamp ?? (await list("URL of a timestamping authority"));
		const trust = options.trust ?? (await list("Certificates of the signers that verify trusts (files)"));
		return { paths: sign, options: { ...options, product, output, exclude, ...key, timestamp, trust } };
	} finally {
		asking.close();
	}
}

const WHO_SIGNS = 'Who signs ("development", "identity NAME", "p12 FILE" or "key FILE CERTIFICATE")';

function namesKey({ identity, key, p12, pkcs11 }: InitOptions): boolean {
	return (identity ?? key ?? p12 ?? pkcs11) !== undefined;
}

/** @throws ERR_USAGE for another answer than the question names */
function signerOf([kind, first, second, ...others]: readonly string[]): Pick<
	InitOptions,
	"identity" | "key" | "cert" | "p12"
> {
	const number = [first, second].filter((word) => word !== undefined).length + others.length;
	if (kind === "development" && number === 0) return {};
	if (kind === "identity" && number === 1) return { identity: first };
	if (kind === "p12" && number === 1) return { p12: first };
	if (kind === "key" && number === 2) return { key: first, cert: second };
	throw usageError(`Answer with one of the forms in the question: ${WHO_SIGNS}`);
}

/** Splits an answer at spaces. A name with spaces needs an option in place of an answer. */
function words(answer: string): string[] {
	return answer.split(/\s+/).filter((word) => word !== "");
}
