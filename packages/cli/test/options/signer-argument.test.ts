import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { MAIN, makeAuthority, makeTree, temporaryDirectory } from "../support.js";

describe("--signer-argument", () => {
	/**
	 * Signs with an argument that consists of these bytes. A shell makes the argument, because Node.js can pass only
	 * text.
	 */
	function sign(bytes: string) {
		const home = temporaryDirectory();
		const tree = makeTree(join(home, "tree"), { a: "1" });
		const { certFile } = makeAuthority(home, "P-256");
		const script = `exec "$0" "$@" --signer-argument "$(printf '${bytes}')"`;
		const options = ["sign", tree, "--signer-command", "/bin/false", "--cert", certFile];
		return spawnSync("/bin/sh", ["-c", script, process.execPath, MAIN, ...options], {
			env: { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") },
			encoding: "utf8",
		});
	}

	it.each(["\\377", "key-\\303", "\\355\\240\\200"])("refuses the bytes %s, which are not UTF-8", (bytes) => {
		expect(sign(bytes)).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/Give --signer-argument text in UTF-8: .* \[ERR_USAGE\]/),
		});
	});

	it("passes other text on", () => {
		expect(sign("Schl\\303\\274ssel")).toMatchObject({
			status: 3,
			stderr: expect.stringContaining("ERR_SIGNER_COMMAND"),
		});
	});
});
