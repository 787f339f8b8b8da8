/**
 * Gives tests a development identity that exists already, because making one (RSA 3072) takes four times as long as a
 * command that signs.
 */

import { createHash, X509Certificate } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawnSync } from "../../../test/outside.js";

const MAIN = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
const CACHE = fileURLToPath(new URL("../../../.cache/", import.meta.url));
/** The path of the identity below a configuration directory. */
const PLACE = "sigtool/identities/development";
const DAY_MS = 86_400_000;

/**
 * Copies an identity to the path where the command line would make one, unless it exists. In the full run, the command
 * line makes its identities itself.
 */
export function giveDevelopmentIdentity(configHome: string): void {
	const target = join(configHome, PLACE);
	if (process.env.SIGTOOL_FULL !== undefined || existsSync(target)) return;
	const source = join(sharedConfiguration(), PLACE);
	mkdirSync(join(configHome, "sigtool/identities"), { recursive: true, mode: 0o700 });
	cpSync(source, target, { recursive: true });
}

/**
 * Returns a configuration directory in which this build of the program has made its identity. The directory is kept
 * under `cache`. If the identity was made more than a month ago, or by a clock that was wrong, this function keeps another
 * one beside it. So on a later day, as by `pnpm test:dates`, a test finds an identity of that day, as on a machine where
 * nothing is kept. It removes none, because other test workers may be using it.
 */
export function sharedConfiguration(cache = CACHE): string {
	const facts = [readFileSync(MAIN), hostname(), userInfo().username];
	const hash = createHash("sha256");
	for (const fact of facts) hash.update(fact);
	const name = `test-identity-${hash.digest("hex").slice(0, 12)}`;
	for (let number = 1; ; number++) {
		const folder = join(cache, `${name}-${number}`);
		if (!existsSync(folder)) makeIdentity(folder);
		if (isRecent(join(folder, PLACE))) return folder;
	}
}

/** Tells whether the identity is valid, and was made within the last month. */
function isRecent(identity: string): boolean {
	const { validFrom, validTo } = new X509Certificate(readFileSync(join(identity, "certificate.pem")));
	const age = Date.now() - Date.parse(validFrom);
	return 0 <= age && age < 30 * DAY_MS && Date.now() + DAY_MS < Date.parse(validTo);
}

function makeIdentity(folder: string): void {
	mkdirSync(dirname(folder), { recursive: true });
	const partial = mkdtempSync(`${folder}.`);
	try {
		const file = join(partial, "file");
		writeFileSync(file, "");
		const env = { ...process.env, XDG_CONFIG_HOME: partial };
		const { status, stderr } = spawnSync(process.execPath, [MAIN, "sign", file, "-o", `${file}.cat`], { env });
		if (status !== 0) throw new Error(`Cannot make a development identity: ${stderr}`);
		renameSync(partial, folder);
	} catch (error) {
		// If another test worker was faster, its directory is used.
		if (!existsSync(folder)) throw error;
	} finally {
		rmSync(partial, { recursive: true, force: true });
	}
}
