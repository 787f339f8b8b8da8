/**
 * Provides keys for tests. Generating an RSA key takes longer than most tests, so keys are kept under .cache/test-keys
 * and used again by the next run. The full run generates each key anew.
 */

import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../.cache/test-keys");

export type RsaBits = 1024 | 2048 | 3072 | 4096;

/** The number of RSA keys that this test file took, by size. */
const taken = new Map<RsaBits, number>();

/** Returns a key that no other call in the same test file returns. */
export function nextRsaKey(bits: RsaBits): KeyObject {
	const number = (taken.get(bits) ?? 0) + 1;
	taken.set(bits, number);
	return keptKey(`rsa-${bits}-${number}`, () => generateKeyPairSync("rsa", { modulusLength: bits }).privateKey);
}

/** Returns the private key that is kept under that name. If there is none, `generate` makes it. */
export function keptKey(name: string, generate: () => KeyObject): KeyObject {
	if (process.env.SIGTOOL_FULL !== undefined) return generate();
	const file = join(FOLDER, `${name}.pem`);
	try {
		return createPrivateKey(readFileSync(file));
	} catch {
		mkdirSync(FOLDER, { recursive: true });
		const temporary = `${file}.${process.pid}`;
		writeFileSync(temporary, toPem(generate()), { mode: 0o600 });
		// Two workers may generate a key of one name at the same time. Both then use the key of the first worker.
		try {
			linkSync(temporary, file);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		} finally {
			rmSync(temporary);
		}
		return createPrivateKey(readFileSync(file));
	}
}

export function toPem(key: KeyObject): string {
	return key.export({ type: "pkcs8", format: "pem" }).toString();
}
