/** What the system under a path offers for signing, verifying and enforcing, and what is missing. */

import type { Check } from "./check.js";
import { attributeChecks, directoryOf, mountChecks } from "./file-system.js";
import { kernelChecks } from "./kernel.js";
import { mountOf } from "./mount.js";
import { runtimeChecks } from "./runtime.js";
import { systemFacts } from "./system.js";

/**
 * Looks, and changes nothing that stays: attributes are tried on a file without a name. Every check is in the result on
 * every system; what cannot be known is `unknown`.
 * @throws ERR_ROOT_MISSING, ERR_IO
 */
export async function examineSystem(path: string): Promise<Check[]> {
	const directory = directoryOf(path);
	const facts = process.platform === "linux" ? systemFacts() : undefined;
	const mount = mountOf(directory, facts?.text("/proc/self/mountinfo") ?? "");
	return [
		...mountChecks(mount),
		...(await attributeChecks(directory)),
		...kernelChecks(facts, mount?.type),
		...runtimeChecks(process.versions.node, process.env.PATH ?? ""),
	];
}
