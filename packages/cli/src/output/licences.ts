import { readFileSync } from "node:fs";
import { singleFile } from "@sigtool/core/internal";

/** Returns the licences of sigtool and of the software that is bundled with it. */
export function licences(): string {
	const single = singleFile();
	if (single !== undefined) return single.text("licences.txt");
	// The path is relative to the bundle, which is in dist/.
	return readFileSync(new URL("./third-party-licences.txt", import.meta.url), "utf8");
}
