import {
	charCodeAt,
	indexOf,
	lastIndexOf,
	lstatSync,
	readlinkSync,
	S_IFLNK,
	S_IFMT,
	slice,
} from "../safe/primordials.js";

/** Linux follows at most this many links in one path: MAXSYMLINKS in include/linux/namei.h. */
const MAX_LINKS = 40;
const SLASH = 0x2f;

/**
 * Returns the real path that an absolute path leads to. Follows links step by step, as the kernel does: `..` after a
 * link goes up from the link's target. Calls `admit` with the real path and the target of each link. Returns undefined
 * if `admit` refuses a link, or at the 41st link.
 * @throws the system's errors, e.g. ENOENT
 */
export function followLinks(path: string, admit: (link: string, target: string) => boolean): string | undefined {
	let done = "";
	let ahead = path;
	for (let links = 0; ; ) {
		let start = 0;
		while (charCodeAt(ahead, start) === SLASH) start++;
		if (start === ahead.length) return done === "" ? "/" : done;
		const slash = indexOf(ahead, "/", start);
		const end = slash === -1 ? ahead.length : slash;
		const step = slice(ahead, start, end);
		ahead = slice(ahead, end);
		if (step === ".") continue;
		if (step === "..") {
			done = slice(done, 0, done === "" ? 0 : lastIndexOf(done, "/"));
			continue;
		}
		const here = `${done}/${step}`;
		if ((lstatSync(here).mode & S_IFMT) !== S_IFLNK) {
			done = here;
			continue;
		}
		const target = readlinkSync(here);
		if (++links > MAX_LINKS || !admit(here, target)) return undefined;
		if (charCodeAt(target, 0) === SLASH) done = "";
		ahead = `${target}/${ahead}`;
	}
}
