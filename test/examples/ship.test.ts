import { createHash } from "node:crypto";
import {
	chmodSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { MAIN, makeSelfSigned, type SelfSigned, temporaryDirectory } from "../../packages/cli/test/support.js";
import { spawnSync } from "../outside.js";

const SHIP = fileURLToPath(new URL("../../examples/deploy/ship.sh", import.meta.url));
const FILES = ["main.js", "lib/b.js", "lib/a.js", `lib/${"long/".repeat(30)}name.js`];

/** Ships an application that was checked out in an order and at a time of its own. Returns the digests of what ship.sh wrote. */
function ship(home: string, key: SelfSigned, files: readonly string[], minutesAgo: number, epoch: number) {
	for (const name of ["app", "out", "bin"]) rmSync(join(home, name), { recursive: true, force: true });
	const time = Date.now() / 1000 - minutesAgo * 60;
	for (const file of files) {
		const path = join(home, "app", file);
		mkdirSync(join(path, ".."), { recursive: true });
		writeFileSync(path, `// ${file}\n`);
		chmodSync(path, 0o644);
		utimesSync(path, time, time);
	}
	mkdirSync(join(home, "bin"));
	symlinkSync(MAIN, join(home, "bin/sigtool"));
	const env = {
		...process.env,
		PATH: `${join(home, "bin")}:${process.env.PATH}`,
		XDG_CONFIG_HOME: join(home, "config"),
		SIGN_KEY: key.keyFile,
		SIGN_CERT: key.certFile,
		SOURCE_DATE_EPOCH: String(epoch),
	};
	const { status, stderr } = spawnSync(SHIP, [join(home, "app"), join(home, "out")], { encoding: "utf8", env });
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	const digest = (name: string) =>
		createHash("sha256")
			.update(readFileSync(join(home, "out", name)))
			.digest("hex");
	return Object.fromEntries(readdirSync(join(home, "out")).map((name) => [name, digest(name)]));
}

test("ship.sh writes the same bytes for the same files, key and time, and says so", () => {
	const key = makeSelfSigned(join(temporaryDirectory(), "release"), "RSA-2048");
	const now = Math.floor(Date.now() / 1000);
	const home = temporaryDirectory();
	const first = ship(home, key, FILES, 0, now);
	expect(Object.keys(first).sort()).toEqual(["app.sigx", "app.tar"]);
	expect(ship(home, key, [...FILES].reverse(), 600, now)).toEqual(first);
	// The archive is the same in any directory. Another time changes everything.
	expect(ship(temporaryDirectory(), key, FILES, 5, now)["app.tar"]).toBe(first["app.tar"]);
	const later = ship(home, key, FILES, 0, now + 1);
	for (const [name, digest] of Object.entries(first)) expect(later[name]).not.toBe(digest);
	expect(readFileSync(SHIP, "utf8")).toContain("SOURCE_DATE_EPOCH makes the output reproducible");
});
