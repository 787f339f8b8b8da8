/** Every audit event by name: its own fields, and whether code in the process can get past it. docs/events.md is made from it. */

export interface EventDescription {
	/** Fields of its own, beside `COMMON_FIELDS`; absent where nothing is to be said. */
	readonly fields: readonly string[];
	/** `true` when code that runs in the process can do the same without the event: by native code or an inner binding. */
	readonly bypassable: boolean;
	readonly meaning: string;
}

/** In every event: UTC time, event, verdict (`allow`, `refuse`; `audit`: went on, and enforcement would refuse), process, thread. */
export const COMMON_FIELDS = ["time", "event", "verdict", "pid", "thread"] as const;

/** Keep the groups in reading order: docs follow it. */
export const EVENTS = {
	// The verifier itself
	"verifier.start": {
		fields: ["mode", "index", "signer", "products", "tier", "missing", "reason"],
		bypassable: false,
		meaning: "The verifier starts to decide, or cannot; `missing` names what this runtime or system does not enforce.",
	},
	"verifier.addhook": {
		fields: ["name"],
		bypassable: false,
		meaning: "An audit hook is about to be added; those before it may refuse.",
	},
	"verifier.dropped": {
		fields: ["count"],
		bypassable: false,
		meaning: "So many events of verdict `allow` were not written, because the queue was full or a sink failed.",
	},
	"catalog.load": {
		fields: ["sha256", "product", "sequence", "signer"],
		bypassable: false,
		meaning: "A product of a verified trust index (`sha256`) or catalog is admitted.",
	},
	"native.load": {
		fields: ["name"],
		bypassable: false,
		meaning: "The verifier's own native addon was loaded.",
	},
	"cmdline.refused": {
		fields: ["argument", "variable", "reason"],
		bypassable: false,
		meaning: "The process was started with an option, a variable or a setting under which nothing can be enforced.",
	},

	// Code
	"module.open_code": {
		fields: ["path", "use", "sha256", "expected", "product", "entry", "rule", "reason"],
		bypassable: false,
		meaning: "A file is opened as code: module, JSON, template, migration or whatever a program gives to `openCode`.",
	},
	"module.compile": {
		fields: ["path", "sha256", "format", "reason"],
		bypassable: false,
		meaning: "Source is about to be compiled as a module.",
	},
	"module.dlopen": {
		fields: ["path", "sha256", "product", "reason"],
		bypassable: true,
		meaning: "A native addon is about to be loaded. Native code that runs already can load more unseen.",
	},
	"module.register": {
		fields: ["kind", "path", "reason"],
		bypassable: true,
		meaning: "A program adds module hooks of its own, sets `Module.wrap`, or replaces an inner loader function.",
	},
	"module.compile_cache": {
		fields: ["path", "reason"],
		bypassable: false,
		meaning: "A program asks for the compile cache, whose bytecode nobody signed.",
	},
	"code.string": {
		fields: ["kind", "sha256", "sizeBytes", "reason"],
		bypassable: true,
		meaning: "Text becomes code: `-e`, standard input, `eval` worker. `eval` and `Function` themselves raise no event.",
	},
	"vm.compile": {
		fields: ["kind", "path", "sha256", "sizeBytes", "reason"],
		bypassable: true,
		meaning: "`node:vm` is about to compile text; or was given cached bytecode, which is always refused.",
	},
	"wasm.compile": {
		fields: ["sha256", "sizeBytes", "product", "entry", "reason"],
		bypassable: true,
		meaning: "WebAssembly is about to be compiled.",
	},
	"worker.spawn": {
		fields: ["path", "kind", "sha256", "reason"],
		bypassable: true,
		meaning: "A worker thread is about to start.",
	},
	"inspector.open": {
		fields: ["kind", "port", "reason"],
		bypassable: true,
		meaning: "A debugger is about to be let in, or a session opened from inside.",
	},
	"sqlite.load_extension": {
		fields: ["path", "reason"],
		bypassable: true,
		meaning: "`node:sqlite` is about to load an extension, which is native code.",
	},
	"ffi.open": { fields: ["path", "reason"], bypassable: true, meaning: "`node:ffi` is about to load a library." },
	"crypto.set_engine": {
		fields: ["path", "reason"],
		bypassable: true,
		meaning: "OpenSSL is about to load an engine, which is native code.",
	},
	"process.binding": {
		fields: ["name", "reason"],
		bypassable: true,
		meaning: "A program asks for an inner binding of Node.js.",
	},

	// What a program does
	"child_process.spawn": {
		fields: ["file", "arguments", "shell", "reason"],
		bypassable: true,
		meaning: "`spawn`, `exec`, `execFile` or `fork` is about to start a program.",
	},
	"child_process.spawn_sync": {
		fields: ["file", "arguments", "shell", "reason"],
		bypassable: true,
		meaning: "`spawnSync`, `execSync` or `execFileSync` is about to start a program.",
	},
	"process.execve": {
		fields: ["file", "arguments", "reason"],
		bypassable: true,
		meaning: "The process is about to become another program.",
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
	"dns.lookup": { fields: ["host", "reason"], bypassable: true, meaning: "A name is about to be resolved." },

	// CPython
	"python.<name>": {
		fields: ["detail", "reason"],
		bypassable: true,
		meaning:
			"An audit event of CPython's own, as `python.subprocess.Popen`: those the policy selects, and those that are refused. `detail` holds its arguments as far as they are text or numbers, of others the type.",
	},
} as const satisfies Record<string, EventDescription>;

export type EventName = keyof typeof EVENTS;

/** Of no consequence for what code runs, and frequent: for hooks and the channel, and in sinks only where a hook refused. */
export const OBSERVED: { readonly [Name in EventName]?: true } = Object.assign(Object.create(null), {
	"process.env": true,
	"fs.open": true,
	"net.connect": true,
	"dns.lookup": true,
});

export type FieldValue = string | number | boolean | undefined;

/** An event's own fields. Text comes as it is: whoever writes it out escapes it. */
export type EventDetail<Name extends EventName> = {
	readonly [Field in (typeof EVENTS)[Name]["fields"][number]]?: FieldValue;
};
