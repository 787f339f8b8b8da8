/** The table of audit events. `pnpm docs:events` generates docs/reference/events.md from it. */

import type { VERDICTS } from "./verdicts.js";

export interface EventDescription {
	/** The event's fields after `COMMON_FIELDS`. A field that has no value is absent from the event. */
	readonly fields: readonly string[];
	/**
	 * True if native code, or an internal binding of Node.js, can do what this event reports without raising the event.
	 */
	readonly bypassable: boolean;
	readonly meaning: string;
}

/** The fields of every event: UTC time, event name, verdict (see `EventVerdict`), process id and thread id. */
export const COMMON_FIELDS = ["time", "event", "verdict", "pid", "thread"] as const;

/** docs/reference/events.md lists the groups and events in this order. Each comment inside is the heading of a group. */
export const EVENTS = {
	// The verifier itself
	"verifier.start": {
		fields: [
			...["mode", "index", "compiled", "notAfter", "signer", "signerNotAfter", "products", "tier", "version"],
			...["script", "unit", "uid", "host", "missing", "reason", "detail"],
		],
		bypassable: false,
		meaning:
			"The verifier starts, or cannot start. If it cannot, `detail` has the message of the refusal. `compiled` is the sequence of the index, and `products` has the sequences of the products. `notAfter` is the end of the index, and `signerNotAfter` the end of its signer's certificate. `version` is sigtool's. `missing` names what this runtime or system does not enforce.",
	},
	"verifier.reload": {
		fields: ["path", "count", "reason", "detail"],
		bypassable: false,
		meaning:
			"A running process took `count` new denials from the host configuration at `path`. If the event has a `reason`, the process could not read them, and goes on with the list that it has.",
	},
	"verifier.expiring": {
		fields: ["what", "notAfter", "days"],
		bypassable: false,
		meaning:
			"`what` ends at `notAfter`, in at most `days` days: 30, 7 or 1. `what` is `index`, or `certificate` for the certificate of the index's signer. After the end no start succeeds.",
	},
	"verifier.expired": {
		fields: ["what", "notAfter"],
		bypassable: false,
		meaning:
			"`what` ended at `notAfter`, and the process still runs. The event comes once a day, when a file is judged. `onExpiry` of the host configuration says whether the process loads more.",
	},
	"verifier.addhook": {
		fields: ["name"],
		bypassable: false,
		meaning: "An audit hook is about to be added. Hooks that were added earlier may refuse it.",
	},
	"verifier.environment": {
		fields: ["count", "detail"],
		bypassable: false,
		meaning:
			"In mode strict `count` environment variables did not pass. Either neither [the list](launcher.md#variables-in-mode-strict) nor the policy's `launch.environment` has their names, or their values are paths that the list excludes. `detail` has as many names as there is room for. The launcher writes this event only to the events file.",
	},
	"verifier.dropped": {
		fields: ["count"],
		bypassable: false,
		meaning: "`count` events of verdict `allow` have not been written, because the queue was full or a sink failed.",
	},
	"verifier.detached": {
		fields: ["path", "detail", "reason"],
		bypassable: false,
		meaning:
			"The events file was renamed, deleted or replaced, and the process cannot write the file that has its `path` now. `detail` says why. Events go on to the file that had the path before. If that file was deleted, they are lost. The event comes at most once a minute.",
	},
	"log.begin": {
		fields: ["kind"],
		bypassable: false,
		meaning:
			"The collector begins a file, or a part of it, that does not simply follow the line before. `kind` is `new` (there was no line), `rotated` (`chain` is that of the file before), `cut` (the file got shorter; `chain` is that of its former end), `unreadable` or `uncovered` (the chain begins anew, because the lines before could not be read, or were too many). See [audit-log.md](audit-log.md).",
	},
	"log.malformed": {
		fields: ["sizeBytes", "detail"],
		bypassable: false,
		meaning:
			"The process `from` sent `sizeBytes` bytes to the collector that are no events. `detail` is their beginning.",
	},
	"log.abandoned": {
		fields: [],
		bypassable: false,
		meaning: "The program has closed its way to the collector, and still runs: no more of its events can be written.",
	},
	"log.missed": {
		fields: ["path", "count"],
		bypassable: false,
		meaning:
			"`log forward` cannot send at least `count` lines of the log at `path`: they were removed before it had read them, or are longer than 1 MiB. Only its receivers get this event.",
	},
	"catalog.load": {
		fields: ["sha256", "product", "sequence", "signer"],
		bypassable: false,
		meaning:
			"A product of a verified trust index or catalog is accepted. `sha256` is the digest of the index; catalogs have none here.",
	},
	"native.load": {
		fields: ["name"],
		bypassable: false,
		meaning: "The verifier's own native addon was loaded.",
	},
	"cmdline.refused": {
		fields: ["argument", "variable", "reason"],
		bypassable: false,
		meaning:
			"The process was started with an option, an environment variable or a setting that makes enforcement impossible.",
	},

	// Code
	"module.open_code": {
		fields: [
			"path",
			"use",
			"sha256",
			"expected",
			"product",
			"entry",
			"rule",
			"reason",
			"denial",
			"sizeBytes",
			"detail",
		],
		bypassable: false,
		meaning:
			"A file is opened as code: a module, JSON, or any file that a program passes to `openCode`, such as a template or a migration. `denial` is the reason that the deny list gives, or the message of the policy's rule. `sizeBytes` is there if the file is larger than the policy allows, or than `files.maxSizeBytes` is by default. `rule` is the check that decided; `rules[…]` is a [rule of the policy](policy.md#rules), by its label or place, and `rules` means that none allows the file. `detail` has the owner and the mode of a file that is refused for one of them, such as `owner 1000, mode 0664`.",
	},
	"module.compile": {
		fields: ["path", "sha256", "format", "rule", "reason"],
		bypassable: false,
		meaning: "Source text is about to be compiled as a module.",
	},
	"module.dlopen": {
		fields: [
			...["path", "sha256", "expected", "product", "entry", "rule", "kind", "reason", "denial", "sizeBytes"],
			"detail",
		],
		bypassable: true,
		meaning:
			"Native code is about to be loaded: an addon, a library in CPython, or a library that one of these is linked to. Under the native gate, and in CPython, each library that native code loads by dlopen(3) has an event, and `kind` is `library`. `rule` is the check that decided, as in `module.open_code`, or `part` for a part of sigtool, `content` for a file that is signed with this content at another place, or `system` for a library of the system: it is not digested, and `path` is the name that was asked for. An event without `rule` tells of an addon that an event `module.open_code` was about. `detail` says why a load is refused, or has the owner and the mode of a file that is refused for one of them. Without a gate, native code of Node.js can load more without an event.",
	},
	"module.register": {
		fields: ["kind", "path", "rule", "reason"],
		bypassable: true,
		meaning: "A program adds its own module hooks, or replaces `Module.wrap` or `Module.wrapper`.",
	},
	"module.compile_cache": {
		fields: ["path", "reason"],
		bypassable: false,
		meaning: "A program asks for the compile cache. Its bytecode is not signed, so the cache stays off.",
	},
	"code.string": {
		fields: ["kind", "path", "sha256", "sizeBytes", "rule", "reason", "detail"],
		bypassable: true,
		meaning:
			"Text is about to run as code: the REPL, a worker from text, a URL that is no file, or a V8 flag that allows it. The native gate raises the event once for each content that no signature names and that `runtime.stringCode` decides about: verdict `record` where that is `audit`. `kind` is then `eval`, `script` or `function`, and nothing in JavaScript avoids the event. Without the gate, `eval` and `Function` raise no event.",
	},
	"gate.intrusion": {
		fields: ["kind", "path", "sha256", "sizeBytes", "reason", "detail"],
		bypassable: false,
		meaning:
			"The native gate met something that the hook in JavaScript would have refused. So the program went round the hook, and the process ends with status 126. In mode audit the gate only tells of texts that no signature names, with the verdict `audit`, and the program goes on. `kind` is `script`, `module`, `CommonJS`, `function`, `WebAssembly`, `library`, `bytecode`, `inspector`, `symbol`, or another way to make code. `path` is the name that the program gave it.",
	},
	"vm.compile": {
		fields: ["kind", "path", "sha256", "sizeBytes", "reason"],
		bypassable: true,
		meaning:
			"`node:vm` is about to compile text, or got cached bytecode. Bytecode is dropped in every mode (verdict `record`, `reason` ERR_UNSIGNED_BYTECODE). Then the text is judged and compiled.",
	},
	"wasm.compile": {
		fields: ["kind", "sha256", "sizeBytes", "product", "entry", "rule", "reason", "detail"],
		bypassable: true,
		meaning:
			"WebAssembly is about to be compiled. A refusal is a `WebAssembly.CompileError`. The native gate raises the event, with `kind` and `detail` and without a digest, where it refuses itself: in contexts of node:vm. `rule` says why it counts as signed: `content` (a signed file has the same content, such as `entry` of `product`), `webAssemblySha256` (the policy names it), or `node` (it is of Node.js itself).",
	},
	"worker.spawn": {
		fields: ["path", "kind", "sha256", "rule", "reason"],
		bypassable: true,
		meaning: "A worker thread is about to start.",
	},
	"inspector.open": {
		fields: ["kind", "port", "rule", "reason"],
		bypassable: true,
		meaning: "A debugger is about to get access, or the program opens an inspector session itself.",
	},
	"sqlite.load_extension": {
		fields: ["path", "rule", "reason"],
		bypassable: true,
		meaning: "`node:sqlite` is about to load an extension, which is native code.",
	},
	"ffi.open": {
		fields: ["path", "rule", "reason"],
		bypassable: true,
		meaning: "A program asks for `node:ffi`, which gives access to raw memory and to any library.",
	},
	"crypto.set_engine": {
		fields: ["path", "rule", "reason"],
		bypassable: true,
		meaning: "OpenSSL is about to load an engine, which is native code.",
	},
	"process.binding": {
		fields: ["name", "rule", "reason"],
		bypassable: true,
		meaning: "A program asks for an internal binding of Node.js.",
	},

	// Other actions of a program
	"child_process.spawn": {
		fields: ["file", "arguments", "shell", "reason", "detail"],
		bypassable: true,
		meaning:
			"`spawn`, `exec`, `execFile` or `fork` is about to start a program. If that is refused, the program gets EACCES, and `detail` says how to allow it.",
	},
	"child_process.spawn_sync": {
		fields: ["file", "arguments", "shell", "reason", "detail"],
		bypassable: true,
		meaning:
			"`spawnSync`, `execSync` or `execFileSync` is about to start a program. If that is refused, the program gets EACCES, and `detail` says how to allow it.",
	},
	"process.execve": {
		fields: ["file", "arguments", "reason", "detail"],
		bypassable: true,
		meaning: "The process is about to be replaced by another program (`execve`).",
	},
	"process.env": {
		fields: ["name", "operation", "reason"],
		bypassable: true,
		meaning: "An environment variable is written or deleted; its value is not recorded.",
	},
	"fs.open": {
		fields: ["path", "flags", "reason"],
		bypassable: true,
		meaning: "A file is about to be opened through `node:fs`.",
	},
	"net.connect": {
		fields: ["host", "port", "path", "reason"],
		bypassable: true,
		meaning: "A stream socket is about to be connected.",
	},
	"dns.lookup": { fields: ["host", "reason"], bypassable: true, meaning: "A host name is about to be resolved." },

	// CPython
	"python.<name>": {
		fields: ["detail", "reason"],
		bypassable: true,
		meaning:
			"An audit event of CPython itself, such as `python.subprocess.Popen`. There is one for every event that the policy selects, and for every refusal. `detail` holds the arguments. If an argument is neither text nor a number, it holds the type. `python.end` is of a spython: it refuses what would run after CPython has freed its hooks.",
	},
} as const satisfies Record<string, EventDescription>;

export type EventName = keyof typeof EVENTS;

/**
 * Frequent events that do not affect which code runs. Hooks and the diagnostics channel get all of them, and sinks get
 * only refused ones.
 */
export const OBSERVED: { readonly [Name in AuditEvent["event"]]?: true } = Object.assign(Object.create(null), {
	"process.env": true,
	"fs.open": true,
	"net.connect": true,
	"dns.lookup": true,
});

/** The fields whose values are numbers. */
export const NUMBER_FIELDS = ["compiled", "count", "days", "sequence", "sizeBytes", "uid"] as const;
/** The fields whose values are true or false. The values of all remaining fields are text. */
export const BOOLEAN_FIELDS = ["shell"] as const;

export type FieldName = (typeof EVENTS)[EventName]["fields"][number];
export type FieldValue = string | number | boolean | undefined;

/** The type of the value of each field besides the common ones. */
export type EventFields = {
	readonly [Field in FieldName]: Field extends (typeof NUMBER_FIELDS)[number]
		? number
		: Field extends (typeof BOOLEAN_FIELDS)[number]
			? boolean
			: string;
};

/**
 * These are the fields of one event besides `COMMON_FIELDS`. Hooks get their text unescaped. Sinks get it as a line of
 * JSON.
 */
export type EventDetail<Name extends EventName> = {
	readonly [Field in (typeof EVENTS)[Name]["fields"][number]]?: EventFields[Field] | undefined;
};

/**
 * `allow`, `record`, `audit` or `refuse`. `audit` means that the action went on although enforcement would have refused it.
 * `record` means that enforcement lets it go on too, and that somebody wants to know.
 */
export type EventVerdict = keyof typeof VERDICTS;

/** The fields that every event has. */
export interface CommonEventFields {
	/** The time in UTC with milliseconds, e.g. `2026-01-31T12:00:00.000Z`. */
	readonly time: string;
	readonly verdict: EventVerdict;
	readonly pid: number;
	readonly thread: number;
}

/**
 * The event of one name. The audit events of CPython share one row of the table, so their name is a pattern. The fields of
 * other events are undefined, so that a program can read a field such as `path` of any event.
 */
export type AuditEventOf<Name extends EventName> = CommonEventFields & {
	readonly event: Name extends "python.<name>" ? `python.${string}` : Name;
} & EventDetail<Name> & { readonly [Other in Exclude<FieldName, keyof EventDetail<Name>>]?: undefined };

/**
 * An event is a frozen object without a prototype. The common fields come first, then the other fields of the event. A
 * comparison of `event` with a name tells the compiler which fields the event can have.
 */
export type AuditEvent = { readonly [Name in EventName]: AuditEventOf<Name> }[EventName];
