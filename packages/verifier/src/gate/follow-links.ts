/** From a path as it was given to the file it leads to, link by link. */

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

/** As many links as Linux follows. */
const MAX_LINKS = 40;
const SLASH = 0x2f;

/**
 * Where an absolute path leads, step by step as the kernel goes: `..` behind a link goes up from where the link leads.
 * Undefined as soon as `admit` refuses a link (its own real path, and its target), or at the 41st.
 * @throws the system's errors
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
