import { mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runner, temporaryDirectory } from "./support.js";

test("130,000 empty files are signed and verified", () => {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const root = join(home, "many");
	for (let directory = 0; directory < 130; directory++) {
		mkdirSync(join(root, String(directory)), { recursive: true });
		for (let file = 0; file < 1000; file++) writeFileSync(join(root, `${directory}/${file}`), "");
	}
	expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
	expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
	unlinkSync(join(root, "5/5"));
	expect(sigtool(["verify", root])).toMatchObject({ status: 1 });
});
