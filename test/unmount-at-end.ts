import { spawn } from "./outside.js";

/**
 * Unmounts a directory when this process ends, if that was not done before. A test unmounts what it has mounted. But a
 * run can be killed, and a file of which no test is chosen runs none of its hooks.
 */
export function unmountAtEnd(path: string): void {
	// The shell waits until the kernel closes the pipe, because this process has ended.
	const script = 'read -r _; umount --lazy "$1"; rmdir "$1"';
	spawn("sh", ["-c", script, "sh", path], { detached: true, stdio: ["pipe", "ignore", "ignore"] }).unref();
}
