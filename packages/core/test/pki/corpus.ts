/**
 * Reads real catalogs from a directory outside of the repository. Tests that need these catalogs are skipped without
 * them.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const CORPUS = join(import.meta.dirname, "../../../../../shared/corpus");

export const hasCorpus = existsSync(join(CORPUS, "MANIFEST.txt"));

export interface CorpusCatalog {
	readonly name: string;
	readonly bytes: Uint8Array;
	/** The result of osslsigncode for the signature and the timestamp of the primary signer: `ok`, `failed` or `-`. */
	readonly signature: string;
	readonly timestamp: string;
}

export function corpusPem(file: string): string {
	return readFileSync(join(CORPUS, file), "latin1");
}

export function corpusCatalogs(): CorpusCatalog[] {
	if (!hasCorpus) return [];
	const manifest = corpusPem("MANIFEST.txt");
	// Other folders of the corpus contain no catalog.
	const directories = readdirSync(CORPUS).filter((name) => existsSync(join(CORPUS, name, "meta.json")));
	return directories.map((name) => {
		const file = readdirSync(join(CORPUS, name)).find((entry) => entry.endsWith(".cat"));
		const verdicts = /osslsigncode: cat rc=\d sig=([^ ,]+)\S* tsa=([^ ,]+)/.exec(
			manifest.slice(manifest.indexOf(name)),
		);
		if (file === undefined || verdicts === null) throw new Error(`no catalog or verdict for ${name}`);
		const [, signature, timestamp] = verdicts;
		return { name, bytes: readFileSync(join(CORPUS, name, file)), signature, timestamp };
	});
}
