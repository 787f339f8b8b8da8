/** Examines what a system and the file system of a path offer for signing, verifying and enforcing. */

import type { Check } from "./check.js";
import { attributeChecks, directoryOf, mountChecks } from "./file-system.js";
import { kernelChecks } from "./kernel.js";
import { mountOf } from "./mount.js";
import { runtimeChecks } from "./runtime.js";
import { systemFacts } from "./system.js";

/**
 * Returns the options of the mount on which a path is, such as `noexec`. Returns an empty list if the mount is not
 * known, as on every system but Linux.
 * @throws ERR_ROOT_MISSING, ERR_IO
 */
export function mountOptions(path: string): readonly string[] {
	const directory = directoryOf(path);
	const mountinfo = process.platform === "linux" ? systemFacts().text("/proc/self/mountinfo") : undefined;
	return mountOf(directory, mountinfo ?? "")?.options ?? [];
}

/**
 * Examines the system and the file system of `path`. Leaves no changes behind, because attributes are tried on a file
 * without a name. The result has the same checks on every system. A check has the status `unknown` if its feature
 * cannot be examined.
 * @throws ERR_ROOT_MISSING, ERR_IO
 * @example
 * ```ts
 * import { examineSystem } from "@sigtool/core";
 *
 * const checks = await examineSystem(".");
 * const missing = checks.filter(({ status }) => status === "no");
 * console.log(missing.map(({ id }) => id).join(" ")); // …
 * ```
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
