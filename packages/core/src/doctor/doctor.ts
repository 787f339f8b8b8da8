/** Examines what a system and the file system of a path offer for signing, verifying and enforcing. */

import type { Check } from "./check.js";
import { attributeChecks, directoryOf, mountChecks } from "./file-system.js";
import { kernelChecks } from "./kernel.js";
import { mountOf } from "./mount.js";
import { runtimeChecks } from "./runtime.js";
import { systemFacts } from "./system.js";

/**
 * Returns the options of the mount of a path, such as `noexec`. Returns none if the system does not tell the mount.
 * @throws ERR_ROOT_MISSING, ERR_IO
 */
export function mountOptions(path: string): readonly string[] {
	const directory = directoryOf(path);
	const mountinfo = process.platform === "linux" ? systemFacts().text("/proc/self/mountinfo") : undefined;
	return mountOf(directory, mountinfo ?? "")?.options ?? [];
}

/**
 * Leaves no changes behind, because attributes are tried on a file without a name. The result has every check on every
 * system. The status is `unknown` if a feature cannot be examined.
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
