import { onTestFinished } from "vitest";
import { execFileSync, isRoot } from "./outside.js";
import { temporaryDirectory } from "./temporary.js";
import { unmountAtEnd } from "./unmount-at-end.js";

/**
 * Makes a temporary directory that the launcher grants to root in mode strict: a mount with the option nosuid. Other
 * users need no such mount and cannot make one.
 */
export function nosuidDirectory(atEnd: (end: () => void) => void = onTestFinished): string {
	let unmount = () => {};
	const path = temporaryDirectory((remove) => {
		atEnd(() => {
			unmount();
			remove();
		});
	});
	if (!isRoot) return path;
	execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,mode=755", "none", path]);
	unmountAtEnd(path);
	// A program may still run there, and a normal unmount would fail then. A lazy unmount does not fail.
	unmount = () => void execFileSync("umount", ["--lazy", path]);
	return path;
}
