/** Which mount holds a path, by /proc/self/mountinfo (proc_pid_mountinfo(5)). */

export interface Mount {
	readonly mountPoint: string;
	/** Type of the file system, e.g. `ext4`, `fuse.sshfs`. */
	readonly type: string;
	/** Of the mount and of the file system below it, each once. */
	readonly options: readonly string[];
}

/** The last and longest mount above an absolute path without links; undefined when no line is a mount above it. */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
	let found: Mount | undefined;
	for (const line of mountinfo.split("\n")) {
		const mount = parseMount(line);
		if (mount === undefined || !isAbove(mount.mountPoint, path)) continue;
		if (found === undefined || mount.mountPoint.length >= found.mountPoint.length) found = mount;
	}
	return found;
}

/** `36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
function parseMount(line: string): Mount | undefined {
	const match = /^\d+ \d+ \d+:\d+ \S+ (\/\S*) (\S+)(?: \S+)* - ([\w.-]+) \S* (\S+)$/.exec(line);
	if (match === null) return undefined;
	const [, mountPoint = "", own = "", type = "", shared = ""] = match;
	return { mountPoint: withoutEscapes(mountPoint), type, options: [...new Set(`${own},${shared}`.split(","))] };
}

/** Space, tab, line feed and backslash are written in octal; other octets as they are. */
function withoutEscapes(text: string): string {
	return text.replace(/\\([0-3][0-7]{2})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function isAbove(mountPoint: string, path: string): boolean {
	return path === mountPoint || path.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`);
}
