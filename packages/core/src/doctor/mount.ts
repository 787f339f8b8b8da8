/** Finds the mount of a path in /proc/self/mountinfo (proc_pid_mountinfo(5)). */

export interface Mount {
	readonly mountPoint: string;
	/** The type of the file system, such as `ext4` or `fuse.sshfs`. */
	readonly type: string;
	/** The options of the mount and of its file system, each once. */
	readonly options: readonly string[];
}

/**
 * Returns the mount whose mount point is the closest above `path`, an absolute path without links. If several mounts
 * have this mount point, returns the last one of the list, because it hides the others.
 */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
	let found: Mount | undefined;
	for (const line of mountinfo.split("\n")) {
		const mount = parseMount(line);
		if (mount === undefined || !isAbove(mount.mountPoint, path)) continue;
		if (found === undefined || mount.mountPoint.length >= found.mountPoint.length) found = mount;
	}
	return found;
}

/**
 * Parses a line such as `36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
 * Returns undefined for a line in another form.
 */
function parseMount(line: string): Mount | undefined {
	const match = /^\d+ \d+ \d+:\d+ \S+ (\/\S*) (\S+)(?: \S+)* - ([\w.-]+) \S* (\S+)$/.exec(line);
	if (match === null) return undefined;
	const [, mountPoint = "", own = "", type = "", shared = ""] = match;
	return { mountPoint: withoutEscapes(mountPoint), type, options: [...new Set(`${own},${shared}`.split(","))] };
}

/** Decodes the octal escapes that the kernel writes for space, tab, line feed and backslash. */
function withoutEscapes(text: string): string {
	return text.replace(/\\([0-3][0-7]{2})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function isAbove(mountPoint: string, path: string): boolean {
	return path === mountPoint || path.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`);
}
