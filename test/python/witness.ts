/**
 * Compares the events of a Python process with strace, which sees all system calls, even those that write the events.
 * Each file that is opened for reading, each mapping of native code, and each program that is started must have an
 * event that reports it, or a known explanation.
 */

import { readFileSync, realpathSync } from "node:fs";
import { spawnSync } from "../outside.js";

export const hasStrace = spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "true"]).status === 0;

/** Returns the command line before a program, so that strace writes its system calls to the file `trace`. */
export function watchedBy(trace: string): string[] {
	const calls = "trace=open,openat,openat2,execve,execveat,mmap,writev,clone,clone3,fork,vfork";
	const options = ["-f", "--quiet=attach,personality,thread-execve", "-y", "-s", "16384", "--seccomp-bpf"];
	return ["strace", ...options, "-e", "signal=none", "-e", calls, "-o", trace];
}

export interface Testimony {
	/**
	 * Files that an event reported as code, or as bytecode that is read without the hook. Each text is `verdict path`.
	 */
	readonly told: ReadonlySet<string>;
	/** The number of calls with each explanation. */
	readonly explained: Readonly<Partial<Record<Explanation, number>>>;
	/** Calls without an explanation: `open`, `map` or `start`, and the path or program. */
	readonly unexplained: readonly string[];
}

type Explanation =
	/** The hook opened the file to load it as code, and the next event of the thread names the file. */
	| "told as code"
	/** An equal event was written before, and the count of a later one includes this call. */
	| "counted"
	/** An earlier event named this archive, and spython keeps the bytes of the archive in memory. */
	| "kept archive"
	/** The preceding event, python.open, reports that the file is read like any file. */
	| "told as read"
	/** After the event, spython opens the file to find its linked libraries, and then the system's loader opens it. */
	| "told as native code"
	/**
	 * The system's loader opens the library because native code that an event reported is linked to it. The library
	 * itself has no event. docs/reference/spython.md says why, under Limits.
	 */
	| "linked library"
	/**
	 * libc opens the library for its own use: to end threads, convert text or look up names. The library has no event.
	 * docs/reference/spython.md says why, under Limits.
	 */
	| "library of libc"
	/** libc and similar libraries read the file for themselves. The file is not code, and there is no event. */
	| "data of system libraries"
	/** An event reported the start. In audit mode nothing watches what the child process does. */
	| "told as program"
	/**
	 * CPython starts this program of multiprocessing without an event: the tracker, `spawn` or `forkserver`. An event
	 * reported the import of its module.
	 */
	| "child of multiprocessing"
	/** spython looks at the deny list of the host configuration, before it judges a file. There is no event. */
	| "deny list"
	/** The process was killed, or another thread ended it, before this thread read the file that it had opened. */
	| "not read";

const SYSTEM_DATA =
	/^\/(proc|sys|dev)\/|^\/etc\/(ld\.so\.cache|localtime|locale\.alias|nsswitch\.conf|passwd|group|hosts|host\.conf|resolv\.conf|gai\.conf|inputrc|ssl\/openssl\.cnf|protocols|services)$|^\/usr\/(share\/(zoneinfo|terminfo|locale)|lib\/locale)\/|\/gconv-modules\.cache$/;
const HOST_CONFIGURATION = /\/verifier\.json$/;
const LIBRARY_OF_LIBC = /^\/usr\/lib\/[^/]*\/(libgcc_s\.so\.1|libnss_\w+\.so\.2|gconv\/[\w-]+\.so)$/;
const STARTS_PROGRAM = /^python\.(subprocess\.Popen|os\.exec|os\.posix_spawn|os\.system|pty\.spawn)$/;
/** An event may cut a detail that has more than this number of bytes. */
const LONG = 480;
const MULTIPROCESSING = /"from (multiprocessing\.(?:resource_tracker|forkserver|spawn)) import /;

interface Opened {
	readonly kind: "open";
	readonly asked: string;
	readonly path: string;
	readonly readable: boolean;
}

type Event = Readonly<Record<string, string>>;
type Call =
	| Opened
	| { readonly kind: "event"; readonly event: Event }
	| { readonly kind: "map"; readonly path: string }
	| { readonly kind: "child"; readonly thread: Thread; readonly isProcess: boolean }
	| { readonly kind: "program"; readonly argv: string }
	| { readonly kind: "end"; readonly isKilled: boolean };

/** The completed calls of a thread, in their order. */
type Thread = Call[];

/** The state that a new thread copies from the thread that made it. */
interface State {
	/** True for the first thread of its process. */
	readonly isFirst: boolean;
	/** True after spython's event verifier.start. Earlier calls load the program itself. */
	started: boolean;
	/** True if an event reported the start of a program, and no program has started since. */
	awaited: boolean;
	/** Maps the path of reported native code to how often it may still be opened and mapped. */
	readonly native: Map<string, { open: number; map: number }>;
	last: Event | undefined;
}

/** A call without an event of its own. The line of an equal event may stand for it, which is written later. */
interface Silent {
	/** Its path, the path by which it was asked for, or `STARTS`. */
	readonly keys: readonly string[];
	readonly what: string;
}
const STARTS = "programs";

/** Reads the trace of a spython that wrote all of its events to the file `events`. */
export function hearWitness(trace: string, events: string): Testimony {
	const first = readThreads(trace, events);
	const told = new Set<string>();
	const imported = new Set<string>();
	const explained: Partial<Record<Explanation, number>> = {};
	const unexplained: string[] = [];
	/** The number of calls that events which were no permission tell of, and that were not seen, by their key. */
	const unseen = new Map<string, number>();
	const silent: Silent[] = [];

	function count(key: string, number: number): void {
		unseen.set(key, (unseen.get(key) ?? 0) + number);
	}

	function explainOpen(call: Opened, next: Call | undefined, state: State): Explanation | undefined {
		if (next?.kind === "end" && (next.isKilled || !state.isFirst)) return "not read";
		if (next?.kind === "event" && isCode(next.event) && bytesOf(next.event.path) === call.path) {
			if (next.event.verdict !== "allow") count(call.path, -1);
			return "told as code";
		}
		const detail = state.last?.event === "python.open" ? bytesOf(state.last.detail) : "";
		if (detail.startsWith(`${call.asked}, `) || (detail.length > LONG && call.asked.startsWith(detail))) {
			if (state.last?.verdict !== "allow") {
				told.add(`${state.last?.verdict} ${call.path}`);
				count(call.asked, -1);
			}
			return "told as read";
		}
		if (isExpected(call, state)) return "told as native code";
		const unseen = loadedUnseen(call.path, state);
		if (unseen !== undefined) return unseen;
		if (told.has(`allow ${call.path}`) && !/\.pyc?$/.test(call.path)) return "kept archive";
		return SYSTEM_DATA.test(call.path) ? "data of system libraries" : undefined;
	}

	/** Explains the calls of a thread. Returns true if the thread became another program. */
	function follow(calls: Thread, state: State): boolean {
		for (const [at, call] of calls.entries()) {
			if (call.kind === "event") {
				const { event = "", verdict, path } = call.event;
				state.started ||= event === "verifier.start";
				if (isCode(call.event)) told.add(`${verdict} ${bytesOf(path)}`);
				const opened = event === "python.open" ? bytesOf(call.event.detail).split(", ")[0] : bytesOf(path);
				const key = STARTS_PROGRAM.test(event) ? STARTS : (opened ?? "");
				if (verdict !== "allow") count(key, Number(call.event.count ?? 1));
				if (event === "module.dlopen") state.native.set(bytesOf(path), { open: 2, map: 1 });
				if (event === "python.import") imported.add(call.event.detail?.split(",")[0] ?? "");
				state.awaited ||= STARTS_PROGRAM.test(event);
				state.last = call.event;
			} else if (!state.started) {
			} else if (call.kind === "child") {
				const native = new Map([...state.native].map(([path, may]) => [path, { ...may }]));
				if (follow(call.thread, { ...state, native, isFirst: call.isProcess })) state.awaited = false;
			} else if (call.kind === "program") {
				const isUntold = imported.has(MULTIPROCESSING.exec(call.argv)?.[1] ?? "");
				if (isUntold) conclude("child of multiprocessing", "");
				else if (state.awaited) {
					count(STARTS, -1);
					conclude("told as program", "");
				} else silent.push({ keys: [STARTS], what: `start ${call.argv}` });
				return true;
			} else if (call.kind === "map") {
				conclude(isExpected(call, state) ? "told as native code" : loadedUnseen(call.path, state), `map ${call.path}`);
			} else if (call.kind === "open" && HOST_CONFIGURATION.test(call.path)) {
				conclude("deny list", "");
			} else if (call.kind === "open") {
				const next = calls.slice(at + 1, at + 9).find((other) => other.kind !== "open" || other.readable);
				const around = `after ${state.last?.event} ${state.last?.detail}, before ${JSON.stringify(next)}`;
				const explanation = call.readable ? explainOpen(call, next, state) : undefined;
				if (explanation !== undefined) conclude(explanation, "");
				else if (call.readable) silent.push({ keys: [call.path, call.asked], what: `open ${call.path} ${around}` });
				state.last = undefined;
			}
		}
		return false;
	}

	function conclude(explanation: Explanation | undefined, what: string): void {
		if (explanation === undefined) unexplained.push(what);
		else explained[explanation] = (explained[explanation] ?? 0) + 1;
	}
	follow(first, { isFirst: true, started: false, awaited: false, native: new Map(), last: undefined });
	for (const { keys, what } of silent) {
		const key = keys.find((each) => (unseen.get(each) ?? 0) > 0);
		if (key !== undefined) count(key, -1);
		conclude(key === undefined ? undefined : "counted", what);
	}
	return { told, explained, unexplained };
}

function isCode({ event }: Event): boolean {
	return event === "module.open_code" || event === "module.dlopen";
}

/** Returns true if reported native code may still be opened or mapped, and counts this call. */
function isExpected({ kind, path }: Call & { kind: "open" | "map" }, { native }: State): boolean {
	const may = native.get(path);
	return may !== undefined && may[kind]-- > 0;
}

/** Explains a file without an event that the system's loader or libc opened. */
function loadedUnseen(path: string, { native }: State): Explanation | undefined {
	if (isLinkedTo(path, native.keys())) return "linked library";
	return LIBRARY_OF_LIBC.test(path) ? "library of libc" : undefined;
}

const links = new Map<string, readonly string[]>();

/** Asks the loader if one of the files is linked to the library. The files must still exist. */
function isLinkedTo(library: string, files: Iterable<string>): boolean {
	return [...files].some((file) => {
		if (!links.has(file)) {
			const { stdout } = spawnSync("ldd", [Buffer.from(file, "latin1").toString()], { encoding: "utf8" });
			links.set(
				file,
				[...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = ""]) => realpathSync(path)),
			);
		}
		return links.get(file)?.includes(library);
	});
}

/**
 * Returns the first thread, which leads to all others. The kernel reuses a thread's number after its end. Strings have
 * one character for each byte.
 */
function readThreads(trace: string, events: string): Thread {
	const running = new Map<string, Thread>();
	const interrupted = new Map<string, string>();
	/** Threads whose number no call has returned yet, and threads whose number was returned before their first call. */
	const [unclaimed, claimed] = [new Map<string, Thread>(), new Map<string, Thread>()];
	let first: Thread | undefined;
	for (const line of readFileSync(trace, "latin1").split("\n")) {
		const [, number = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
		if (rest.startsWith("+++ ")) {
			running.get(number)?.push({ kind: "end", isKilled: rest.startsWith("+++ killed") });
			running.delete(number);
		}
		if (!/^[a-z<]/.test(rest)) continue;
		if (!running.has(number)) {
			const thread = claimed.get(number) ?? [];
			if (!claimed.delete(number) && first !== undefined) unclaimed.set(number, thread);
			running.set(number, thread);
			first ??= thread;
		}
		const whole = rest.replace(/^<\.\.\. \w+ resumed>/, () => interrupted.get(number) ?? "");
		if (whole.endsWith(" <unfinished ...>")) {
			interrupted.set(number, whole.slice(0, -" <unfinished ...>".length));
			continue;
		}
		const call = readCall(whole, events);
		if (typeof call === "string") {
			const thread = unclaimed.get(call) ?? [];
			if (!unclaimed.delete(call)) claimed.set(call, thread);
			running.get(number)?.push({ kind: "child", thread, isProcess: !whole.includes("CLONE_THREAD") });
		} else if (call !== undefined) running.get(number)?.push(call);
	}
	if (unclaimed.size > 0) throw new Error(`Cannot tell who made ${unclaimed.size} threads`);
	return first ?? [];
}

const SHAPES = {
	// The event is between a line end that is mostly left out, and the line end that follows it.
	write:
		/^writev\(\d+<(.*?)>(?:\(deleted\))?, \[\{iov_base=".*?", iov_len=\d+\}, \{iov_base="(.*)", iov_len=\d+\}, \{iov_base="\\n", iov_len=1\}\], 3\) += \d+$/,
	open: /^open(?:at2?\((?:AT_FDCWD|\d+)<.*?>(?:\(deleted\))?, |\()"(.*?)", (?:\{flags=)?([\w|]+).* = (?:(\d+)<(.*?)>(?:\(deleted\))?|-1 E.*|\?.*)$/,
	map: /^mmap\(.*PROT_EXEC.*, \d+<(.*?)>(?:\(deleted\))?, .* = 0x/,
	child: /^(?:clone3?|v?fork)\(.* = (\d+)(?:<.*>)?$/,
	program: /^execve(?:at)?\((.*) = 0$/,
};

/** Parses a line of the trace. A returned string is the number of a thread that the call made. */
function readCall(line: string, events: string): Call | string | undefined {
	const [shape] = /^[a-z]*/.exec(line) ?? [];
	switch (shape) {
		case "writev": {
			const [, path = "", text = ""] = SHAPES.write.exec(line) ?? [];
			return unescaped(path) === events ? { kind: "event", event: JSON.parse(unescaped(text)) } : undefined;
		}
		case "open":
		case "openat":
		case "openat2": {
			const found = SHAPES.open.exec(line);
			if (found === null) throw new Error(`Cannot read the trace: ${line}`);
			const [, asked = "", flags = "", descriptor, path = ""] = found;
			const readable = descriptor !== undefined && !/O_WRONLY|O_DIRECTORY|O_PATH/.test(flags);
			return { kind: "open", asked: unescaped(asked), path: unescaped(path), readable };
		}
		case "mmap": {
			const [, path] = SHAPES.map.exec(line) ?? [];
			return path === undefined ? undefined : { kind: "map", path: unescaped(path) };
		}
		case "execve":
		case "execveat": {
			const [, argv] = SHAPES.program.exec(line) ?? [];
			const isCheck = /\|(0x10000|AT_EXECVE_CHECK)\)$/.test(argv ?? "");
			return argv === undefined || isCheck ? undefined : { kind: "program", argv };
		}
		default:
			return SHAPES.child.exec(line)?.[1];
	}
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" };

/** Decodes the escapes of strace, which are those of C. */
function unescaped(text: string): string {
	return text.replace(/\\(?:([0-7]{1,3})|(.))/g, (_, octal: string | undefined, other: string) =>
		octal === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(octal, 8)),
	);
}

/** Returns the bytes of an event's text, one character each. In events, bytes that are not UTF-8 are U+DC80 to U+DCFF. */
function bytesOf(text = ""): string {
	const bytes = [...text].map((character) => {
		const code = character.codePointAt(0) ?? 0;
		return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code & 0xff) : Buffer.from(character);
	});
	return Buffer.concat(bytes).toString("latin1");
}
