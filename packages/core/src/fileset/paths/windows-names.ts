/** Finds names that mean something else than a file on Windows: devices, and streams of other files. */

/**
 * Returns the reason why this "/"-separated path is not that of a file on Windows, or undefined. Names that Windows
 * cannot have at all, such as `a?`, need no reason, because such a file is missing there.
 *
 * A program may open `con` or `nul.txt` and get a device, whatever is on the disk, and `a:b` is the stream `b` of the
 * file `a`, which lists of a directory do not show. Node.js itself opens the file, because it passes paths behind
 * `\\?\`. So sigtool would vouch for bytes that other programs never see. The rules are in "Naming Files, Paths, and
 * Namespaces" of Microsoft's documentation.
 */
export function windowsNameProblem(path: string): string | undefined {
	for (const segment of path.split("/")) {
		if (segment.includes(":")) return 'on Windows ":" is followed by the name of a stream of the file';
		const device = DEVICE.exec(segment)?.[1];
		if (device !== undefined) return `on Windows "${device}" is a device, also with an extension; rename it`;
	}
	return undefined;
}

/** Windows removes spaces in front of the extension too. The superscript digits count as 1, 2 and 3. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9\xb9\xb2\xb3]) *(?:\.|$)/i;
