/** A development identity for tests, because to make one (RSA 3072) takes four times as long as a command that signs. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
const CACHE = fileURLToPath(new URL("../../../.cache/", import.meta.url));
/** Below a configuration directory. */
const PLACE = "sigtool/identities/development";

/** Puts an identity where the command line would make its own, unless there is one. The full run leaves that to the program. */
export function giveDevelopmentIdentity(configHome: string): void {
	const target = join(configHome, PLACE);
	if (process.env.SIGTOOL_FULL !== undefined || existsSync(target)) return;
	const source = join(sharedConfiguration(), PLACE);
	mkdirSync(join(configHome, "sigtool/identities"), { recursive: true, mode: 0o700 });
	cpSync(source, target, { recursive: true });
}

/** A configuration directory in which this build of the program has made its identity, kept under .cache. */
function sharedConfiguration(): string {
	const facts = [readFileSync(MAIN), hostname(), userInfo().username];
	const hash = createHash("sha256");
	for (const fact of facts) hash.update(fact);
	const folder = join(CACHE, `test-identity-${hash.digest("hex").slice(0, 12)}`);
	if (existsSync(folder)) return folder;
	mkdirSync(CACHE, { recursive: true });
	const partial = mkdtempSync(`${folder}.`);
	try {
		const file = join(partial, "file");
		writeFileSync(file, "");
		const env = { ...process.env, XDG_CONFIG_HOME: partial };
		const { status, stderr } = spawnSync(process.execPath, [MAIN, "sign", file, "-o", `${file}.cat`], { env });
		if (status !== 0) throw new Error(`Cannot make a development identity: ${stderr}`);
		renameSync(partial, folder);
	} catch (error) {
		// Another worker was faster.
		if (!existsSync(folder)) throw error;
	} finally {
		rmSync(partial, { recursive: true, force: true });
	}
	return folder;
}
