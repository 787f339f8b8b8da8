/**
 * Defines the errors of sigtool. An error has a stable code, a message of one line, and the exit status that belongs
 * to the code (error-codes.ts). Also contains the words of messages: reasons of the operating system, and quoted names.
 */

import { ERROR_CODES, type ErrorCode, type ExitStatus } from "./error-codes.js";

export { ERROR_CODES, type ErrorCode, type ExitStatus };

/** Returns true for the text of a code. */
export function isErrorCode(value: unknown): value is ErrorCode {
	return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

/**
 * The name by which the command line was started, as messages repeat it: `sigtree` if the user typed that, else
 * `sigtool`, also in programs that use the library. Two programs of others are called sigtool too. A single executable
 * has its name in `argv0` alone.
 */
export const COMMAND = [process.argv[1] ?? "", process.argv0].some(isSigtree) ? "sigtree" : "sigtool";

function isSigtree(path: string): boolean {
	return /(?:^|[\\/])sigtree(?:\.cjs|\.exe)?$/.test(path);
}

export interface SigtoolErrorOptions {
	readonly cause?: unknown;
	/** The file or entry that the error is about, written as the user knows it. */
	readonly path?: string | undefined;
	/** The absolute path of the directory to which `path` and the paths of the problems are relative, if there is one. */
	readonly root?: string | undefined;
	/** Every problem, if the error is about several problems. */
	readonly problems?: readonly SigtoolError[];
	/** Every difference, if the message names only the first one. Their paths are relative to `root`. */
	readonly findings?: readonly FoundProblem[];
	/** True if nothing was judged because of a fault that may pass, such as a file that is just being written. */
	readonly passing?: boolean;
}

/** A difference that an error is about. */
export interface FoundProblem {
	readonly code: ErrorCode;
	readonly path: string;
	readonly message: string;
}

/**
 * The error class of sigtool. `message` is one line that names the subject and, if there is one, the remedy.
 *
 * Some mistakes in a program, such as a call of `update()` after `digest()`, throw a TypeError or a RangeError instead.
 */
export class SigtoolError extends Error {
	/** Bundlers shorten the names of classes, and Node.js prints this one. */
	static override readonly name = "SigtoolError";
	override readonly name = "SigtoolError";
	readonly code: ErrorCode;
	declare readonly path: string | undefined;
	declare readonly root: string | undefined;
	declare readonly problems: readonly SigtoolError[];
	declare readonly findings: readonly FoundProblem[];
	declare readonly passing: boolean;

	constructor(code: ErrorCode, message: string, options: SigtoolErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		const { path, root, problems = [], findings = [], passing = false } = options;
		this.code = code;
		setMember(this, "path", path, path !== undefined);
		setMember(this, "root", root, root !== undefined);
		setMember(this, "problems", problems, problems.length > 0);
		setMember(this, "findings", findings, findings.length > 0);
		setMember(this, "passing", passing, passing);
	}

	/** The exit status of the command line for this error. */
	get exitStatus(): ExitStatus {
		return ERROR_CODES[this.code][0];
	}
}

/** Captured, because the verifier makes errors while a program runs, which may replace the function. */
const { defineProperty } = Object;

/** Defines a member. Node.js prints the members of an uncaught error, so one that says nothing is not enumerable. */
function setMember(error: SigtoolError, name: keyof SigtoolError, value: unknown, enumerable: boolean): void {
	defineProperty(error, name, { __proto__: null, value, enumerable } as PropertyDescriptor);
}

/** Makes an ERR_IO for a failed system call, such as `Cannot open "a": permission denied (EACCES)`. */
export function ioError(action: string, path: string, cause: unknown): SigtoolError {
	return new SigtoolError("ERR_IO", `Cannot ${action} ${quote(path)}: ${errnoReason(cause)}`, { cause, path });
}

/**
 * Tells a system that has no room for another process from a program that cannot be used. @throws ERR_IO if `error`,
 * which spawnSync() returned, says nothing about the program that was to be started
 */
export function requireStarted(program: string, error: Error | undefined): void {
	if (error !== undefined && isErrnoException(error) && NO_ROOM.has(error.code)) throw ioError("start", program, error);
}

const NO_ROOM: ReadonlySet<string> = new Set(["EAGAIN", "EIO", "EMFILE", "ENFILE", "ENOMEM"]);

/** Returns the result of `read`. If it throws a SigtoolError, throws the one that `errorNaming` makes of it. */
export function namingErrors<T>(what: string, file: string, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		throw cause instanceof SigtoolError ? errorNaming(what, file, cause) : cause;
	}
}

/**
 * Makes an error that has the code of `cause` and names a file, such as `Cannot use certificate "a.pem": it is empty`.
 * Returns `cause` if it names the file already.
 */
export function errorNaming(what: string, file: string, cause: SigtoolError): SigtoolError {
	if (cause.path === file && cause.message.includes(quote(file))) return cause;
	return new SigtoolError(cause.code, `Cannot use ${what} ${quote(file)}: ${reasonOf(cause)}`, { cause, path: file });
}

/**
 * Returns true if an error of a start comes from a fault that may pass: a full disk, a lack of memory or descriptors, a
 * file that is being replaced, a clock that is not set. Another start may then succeed. An error that has one of these
 * as a cause counts too. The list of errnos is that of packages/verifier/native/shared/process/exit-status.c.
 */
export function isPassing(error: unknown): boolean {
	for (let each: unknown = error; each instanceof Error; each = each.cause) {
		if (each instanceof SigtoolError && (each.passing || PASSING_CODES.has(each.code))) return true;
		if (isErrnoException(each) && PASSING_ERRNOS.has(each.code)) return true;
		if (each instanceof RangeError && /allocation failed/.test(each.message)) return true;
	}
	return false;
}

const PASSING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["ERR_CLOCK", "ERR_ROOT_MISSING"]);

const PASSING_ERRNOS: ReadonlySet<string> = new Set([
	"EAGAIN",
	"EBUSY",
	"EDQUOT",
	"EFBIG",
	"EINTR",
	"EIO",
	"EMFILE",
	"ENFILE",
	"ENOBUFS",
	"ENOENT",
	"ENOLCK",
	"ENOMEM",
	"ENOSPC",
	"ENOTCONN",
	"ENOTDIR",
	"ENXIO",
	"ESTALE",
	"ETIMEDOUT",
	"ETXTBSY",
]);

/**
 * Returns the reason in a message without the beginning `Cannot do this: `, so that it can follow another beginning.
 * The first letter of such a reason is not changed, because the reason may begin with a name such as SHA-1, INTEGER or
 * Ed25519. If the message has no such beginning, a capital letter at its start becomes small, unless another capital
 * letter follows.
 */
export function reasonOf({ message }: SigtoolError): string {
	const reason = message.replace(/^Cannot [^":]*: /, "");
	return reason === message ? message.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) : reason;
}

/** Returns the reason of a failed system call: `no space left on device (ENOSPC)`. */
export function errnoReason(cause: unknown): string {
	return isErrnoException(cause) ? `${ERRNO_TEXT[cause.code] ?? "system error"} (${cause.code})` : String(cause);
}

export function isErrnoException(error: unknown): error is Error & { readonly code: string } {
	return error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code);
}

/**
 * Returns the text in double quotes on one line, escaped by `escapeText`. A text of more than MAX_QUOTED UTF-16 units
 * is cut and ends in an ellipsis.
 */
export function quote(text: string): string {
	if (text.length <= MAX_QUOTED) return `"${escapeText(text)}"`;
	const beginning = text.slice(0, MAX_QUOTED).replace(/[\ud800-\udbff]$/, ""); // A surrogate pair is not cut.
	return `"${escapeText(beginning)}…"`;
}

/**
 * Quotes like `quote`, and also escapes everything outside ASCII. Two names that look alike, such as one in NFC and one
 * in NFD, then differ visibly.
 */
export function quoteAscii(text: string): string {
	return quote(text).replace(/[^\x20-\x7e]/g, escapeUnits);
}

/**
 * Escapes control characters, format characters, line separators, characters that may not be shown, quotes, backslashes
 * and lone surrogates as JSON does, so that the text stays on one line and all its characters can be seen.
 */
export function escapeText(text: string): string {
	const escaped = JSON.stringify(text).slice(1, -1);
	return escaped.replace(UNSEEN, escapeUnits);
}

/** Escapes each UTF-16 unit of a character, as JSON does for characters above U+FFFF. */
function escapeUnits(character: string): string {
	return Array.from({ length: character.length }, (_, index) => {
		return `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
	}).join("");
}

/**
 * Control characters (Cc) behind ASCII, format characters (Cf), line separators, and characters that a terminal may not
 * show (Default_Ignorable_Code_Point). The ranges are those of Unicode 17.0. They are fixed, so that every release of
 * Node.js escapes the same characters.
 */
const UNSEEN = new RegExp(
	[
		"[\\u007f-\\u009f\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160",
		"\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff",
		"\\uffa0\\ufff0-\\ufffb\\u{110bd}\\u{110cd}\\u{13430}-\\u{1343f}\\u{1bca0}-\\u{1bca3}",
		"\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
	].join(""),
	"gu",
);

/**
 * Words a command, or options of one, for a message: it is the tag of a template. A person pastes the text to a POSIX
 * shell or to fish, so each value becomes one word, and a list of values one word each. `pnpm lint` refuses a command with a value
 * that this tag did not quote.
 *
 * A value that begins with a hyphen is taken for a path, and named by its directory, unless it follows an option, which
 * takes it as it is. So a list has no options.
 */
export function shell(texts: TemplateStringsArray, ...values: readonly (string | readonly string[])[]): string {
	return texts.reduce((command, text, index) => {
		const follows = /(?:^| )--?[a-z][a-z-]*[ =]$/.test(command) ? "option" : "other";
		const words = [values[index - 1]].flat().map((value) => shellWord(follows === "other" ? dotted(value) : value));
		return `${command}${words.join(" ")}${text}`;
	});
}

function dotted(path: string): string {
	return path.startsWith("-") ? `./${path}` : path;
}

/**
 * Quotes a word for a POSIX shell and for fish if that is needed. zsh expands a word that begins with `=`, and fish `%self`.
 * In fish a backslash before a quote or a backslash counts between single quotes too, so none stands there.
 */
function shellWord(word: string): string {
	if (/^[\w@+:,./-][\w@%+=:,./-]*$/.test(word)) return word;
	if (!NOT_TYPED.test(word))
		return `'${word.replace(/['\\]/g, (character) => (character === "'" ? "'\\''" : `'"\\\\"'`))}'`;
	// A shell cuts newlines from the end of what a command prints. The other form is POSIX since 2024 only, and dash reads
	// it as a dollar sign before a quoted text, so no quote may be in it.
	return word.endsWith("\n") ? `$'${octal(word, "\\")}'` : `"$(printf %b '${octal(word, "\\0")}')"`;
}

/** Writes all but letters, digits and harmless punctuation as octal numbers of their bytes. */
function octal(word: string, prefix: string): string {
	return word.replace(/[^\w@+=:,./ -]/gu, (character) => {
		const bytes = [...Buffer.from(character)];
		return bytes.map((byte) => `${prefix}${byte.toString(8).padStart(3, "0")}`).join("");
	});
}

/**
 * Control characters, and those that a terminal does not show: output escapes them, so a shell would see other bytes. A
 * backtick counts too, because messages put commands between two of them.
 */
const NOT_TYPED = new RegExp(`[\\0-\\x1f\`]|${UNSEEN.source}`, "u");

/**
 * The maximum length of a quoted text, in UTF-16 units. Nearly all real paths are shorter. A limit is needed, because
 * an attacker could choose a name of a megabyte.
 */
const MAX_QUOTED = 500;

const ERRNO_TEXT: Readonly<Record<string, string>> = {
	EACCES: "permission denied",
	EAGAIN: "resource temporarily unavailable",
	EBUSY: "resource busy",
	ECONNREFUSED: "connection refused",
	ECONNRESET: "connection reset",
	EEXIST: "file exists",
	EFBIG: "larger than the limit for one file, see `ulimit -f`",
	EISDIR: "is a directory",
	ELOOP: "too many symbolic links",
	EMFILE: "too many open files",
	ENAMETOOLONG: "name too long",
	ENETUNREACH: "network unreachable",
	ENFILE: "too many open files on this system",
	ENOMEM: "not enough memory",
	ENOENT: "no such file or directory",
	ENOSPC: "no space left on device",
	ENOTFOUND: "no such host",
	ENOTDIR: "not a directory",
	ENOTEMPTY: "directory not empty",
	EPERM: "operation not permitted",
	EPIPE: "broken pipe",
	EROFS: "read-only file system",
	ESTALE: "stale file handle",
	ETIMEDOUT: "timed out",
	ETXTBSY: "text file busy",
	EXDEV: "on another file system",
	EDQUOT: "disk quota exceeded",
	EHOSTUNREACH: "host unreachable",
	EIO: "input/output error",
};
