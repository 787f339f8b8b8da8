/** Lets three programs judge a catalog: sigtool, openssl and osslsigncode. */

import { expect } from "vitest";
import { hasProgram, spawnSync } from "../../../test/outside.js";
import type { runner } from "./support.js";

export const hasJudges = hasProgram("openssl") && hasProgram("osslsigncode");

/** Expects each program to accept the tree's catalog under the authority. */
export function expectAcceptance(
	sigtool: ReturnType<typeof runner>,
	tree: string,
	catalog: string,
	caFile: string,
): void {
	expect(sigtool(["verify", tree, "--catalog", catalog, "--trust", caFile])).toMatchObject({ status: 0 });
	const smime = ["smime", "-verify", "-inform", "DER", "-purpose", "any", "-in", catalog, "-CAfile", caFile];
	expect(spawnSync("openssl", smime, { encoding: "latin1" }).stderr).toContain("Verification successful");
	const osslsigncode = spawnSync("osslsigncode", ["verify", "-in", catalog, "-CAfile", caFile], { encoding: "utf8" });
	expect(osslsigncode.stdout).toContain("Signature verification: ok");
	expect(osslsigncode.status).toBe(0);
}
