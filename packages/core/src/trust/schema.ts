/**
 * Defines the members of the documents that TypeScript and C read, each member with its kind, bounds and default. From
 * this table `pnpm build` makes the JSON Schemas, and `pnpm generate` the tables of the C reader and of
 * docs/reference/policy.md, docs/reference/verifier.md and docs/reference/launcher.md. `pnpm lint` fails if one is stale.
 */

import { LIMITS } from "./index-layout.js";
import { MODES } from "./mode.js";
import type { ObjectShape, ValueOf } from "./shape.js";

/** The size limits of the documents in bytes. */
export const MAX_POLICY_BYTES = 2 ** 16;
export const MAX_HOST_BYTES = 2 ** 20;
export const MAX_LAUNCHER_BYTES = 2 ** 16;
export const MAX_SHARED_BYTES = 2 ** 13;

/**
 * The earliest time, in seconds since the epoch, that a right clock can show: this release is not older. Each release
 * raises it. A clock before this time was not set yet, so nothing can be judged by it.
 */
export const EARLIEST_SECONDS = Date.UTC(2026, 10, 1) / 1000;

/**
 * The descriptors that the launcher passes on: the index, its record, and to the collector of events a socket and the page
 * of its answers.
 */
export const DESCRIPTORS = { index: 3, record: 4, channel: 5, answers: 6 } as const;

/** The size limit in bytes for the record of the launcher's decisions. */
export const MAX_RECORD_BYTES = 2 ** 16;

/** The directory of the host's configuration, and the configuration in it. */
export const HOST_DIRECTORY = "/etc/sigtool";
export const HOST_CONFIGURATION_FILE = `${HOST_DIRECTORY}/verifier.json`;

/** The seconds after which a running process looks again at the deny list of the host configuration. */
export const LOOK_SECONDS = 5;

/**
 * The size limit in bytes for a file that is read as code. On every release of Node.js that sigtool supports, a file of
 * this size fits into one buffer. No policy can allow more.
 */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

const VERSION = { kind: "version", does: "The version of this format." } as const;

/**
 * The names of CPython's audit events for actions that start a program, load code, or attack the hooks. The import of a
 * Python module does not by itself raise one of these events, so a record of them stays short.
 */
const PYTHON_EVENTS = [
	"code.__new__",
	"ctypes.dlopen",
	"function.__new__",
	"os.exec",
	"os.fork",
	"os.forkpty",
	"os.posix_spawn",
	"os.system",
	"pty.spawn",
	"setopencodehook",
	"sqlite3.load_extension",
	"subprocess.Popen",
	"sys.addaudithook",
	"sys.remote_exec",
] as const;

/** The shape of a list of TCP ports. The launcher has room for 64 ports in each list. */
const PORTS = { kind: "list", of: { kind: "number", least: 0, most: 65535 }, most: 64 } as const;

const SEQUENCE = { kind: "number", least: 0, most: Number.MAX_SAFE_INTEGER, optional: true } as const;

/** The members of an object that pins a key. */
const PIN_MEMBERS = {
	"spki-sha256": {
		kind: "digest",
		does: "The SHA-256 of the SubjectPublicKeyInfo, as `sigtool trust list` and `inspect` print it.",
	},
	name: { kind: "line", optional: true, does: "A name for people." },
} as const;

const MATCH_MEMBERS = {
	signer: {
		kind: "object",
		optional: true,
		choice: true,
		choose: "exactly one",
		does: "Files of products that this signer signed.",
		members: {
			key: {
				kind: "digest",
				optional: true,
				choice: true,
				does: "The SHA-256 of the signer's SubjectPublicKeyInfo, as `sigtool trust list` prints it.",
			},
			authority: {
				kind: "digest",
				optional: true,
				choice: true,
				needs: ["subject"],
				does: "The SHA-256 of the SubjectPublicKeyInfo of an authority above the signer.",
			},
			subject: {
				kind: "subject",
				optional: true,
				needs: ["authority"],
				does: "The exact subject of the signer's certificate, as `sigtool inspect` prints it.",
			},
		},
	},
	product: { kind: "line", optional: true, choice: true, does: "Files of this product." },
	path: {
		kind: "glob",
		optional: true,
		choice: true,
		does: "Files with this path below the root of their product. `*` stands for any characters within a name, and `**` for directories.",
	},
	sha256: { kind: "digest", optional: true, choice: true, does: "Files with this SHA-256." },
	name: { kind: "filename", optional: true, choice: true, does: "Files with this name, in any directory." },
} as const;

/** The shape of what a rule matches. All given members must match. */
const MATCH = { kind: "object", optional: true, choice: true, choose: "at least one", members: MATCH_MEMBERS } as const;

/** The largest number of rules, so that judging a file stays cheap. */
const MAX_RULES = 256;

/** The policy: what signed code may do in a runtime. */
export const POLICY = {
	kind: "object",
	members: {
		version: VERSION,
		mode: { kind: "word", words: MODES, otherwise: "enforce", does: "How strictly the policy is applied." },
		sequence: {
			...SEQUENCE,
			does: "A number that grows with each [signed policy](#signed-policies), so that a host can refuse older ones. `sigtool policy sign` sets it.",
		},
		products: {
			kind: "list",
			of: { kind: "line" },
			unique: "value",
			does: "Products whose files may be loaded. An empty list allows every product that the host knows.",
		},
		rules: {
			kind: "list",
			unique: "label",
			most: MAX_RULES,
			optional: true,
			does: "[Rules](#rules) that choose among the signed files. A rule never lets an unsigned file run.",
			of: {
				kind: "object",
				choose: "exactly one",
				members: {
					allow: {
						...MATCH,
						does: "The rule allows the files that match. If a policy has such rules, a file that matches none of them is refused.",
					},
					deny: {
						...MATCH,
						as: "allow",
						does: "The rule refuses the files that match, whatever other rules allow. It has the same members as `allow`.",
					},
					label: {
						kind: "label",
						optional: true,
						does: "The name by which events and messages call the rule. Without one they call it by its place, such as `rules[0]`.",
					},
					comment: { kind: "line", optional: true, does: "The reason for the rule." },
					owner: { kind: "line", optional: true, does: "Who answers for the rule." },
					expires: {
						kind: "time",
						optional: true,
						does: "The last day, or second, of the rule in UTC, such as `2027-06-30`. An expired `allow` matches nothing. An expired `deny` still refuses, and says that it has expired.",
					},
					message: { kind: "line", optional: true, does: "A message for whoever meets the refusal." },
					url: { kind: "url", optional: true, does: "A page about the refusal." },
					supplemental: {
						kind: "true",
						optional: true,
						does: "The rule is of a [supplemental policy](#base-and-supplemental-policies). `sigtool compile` sets this.",
					},
				},
			},
		},
		launch: {
			kind: "object",
			does: "What the launcher allows.",
			by: "the launcher",
			members: {
				write: {
					kind: "list",
					of: { kind: "path" },
					unique: "value",
					does: "Directories that the program may write below.",
				},
				network: {
					kind: "object",
					does: "What the program may reach. An absent list allows everything, and an empty list nothing.",
					members: {
						connect: { ...PORTS, optional: true, does: "TCP ports that the program may connect to." },
						bind: {
							...PORTS,
							optional: true,
							does: "TCP ports that the program may listen on. 0 stands for a port that the kernel chooses.",
						},
						sockets: {
							kind: "list",
							of: { kind: "path" },
							unique: "value",
							most: 64,
							optional: true,
							does: "Sockets with a path, or directories of such sockets, that the program may connect to. Needs Linux 7.1.",
						},
					},
				},
				environment: {
					kind: "list",
					of: { kind: "variable" },
					unique: "value",
					most: 64,
					does: "Environment variables that the program gets in mode strict, besides [the usual ones](launcher.md#variables-in-mode-strict). Each item is a name, or the beginning of names and `*`, such as `APP_*`.",
					by: "the launcher, and CPython",
				},
				writableCode: {
					kind: "word",
					words: ["refuse", "allow"],
					otherwise: "refuse",
					does: "Whether CPython may make memory executable that was writable before, as compilers at run time do.",
					by: "the launcher, for CPython",
				},
			},
		},
		files: {
			kind: "object",
			does: "How files are opened as code.",
			members: {
				maxSizeBytes: {
					kind: "number",
					least: 1,
					most: MAX_FILE_BYTES,
					otherwise: 64 * 2 ** 20,
					does: "The size in bytes of the largest file that is read. Larger files are refused unread.",
				},
				kernelCheck: {
					kind: "word",
					words: ["log", "require", "off"],
					otherwise: "log",
					does: "Whether the kernel must agree that a file may be executed.",
				},
				// These two have no default, so a policy without them stays one that earlier releases read.
				owner: {
					kind: "word",
					words: ["any", "root"],
					optional: true,
					does: "Who must [own a file](#owner-and-mode). With `root`, a file that user 0 does not own is refused. If absent, `any`.",
				},
				othersWrite: {
					kind: "word",
					words: ["allow", "refuse"],
					optional: true,
					does: "Whether the [mode of a file](#owner-and-mode) may let its group or others write it. With `refuse`, such a file is refused. If absent, `allow`.",
				},
			},
		},
		runtime: {
			kind: "object",
			does: "What Node.js allows. `children` holds for CPython too.",
			by: "Node.js",
			members: {
				addons: { kind: "word", words: ["signed", "refuse"], otherwise: "signed", does: "Native addons." },
				webAssembly: {
					kind: "word",
					words: ["signed", "refuse", "allow"],
					otherwise: "signed",
					does: "WebAssembly modules. What Node.js brings itself counts as signed.",
				},
				webAssemblySha256: {
					kind: "list",
					of: { kind: "digest" },
					unique: "value",
					does: "SHA-256 of the bytes of more WebAssembly modules that count as signed.",
				},
				stringCode: {
					kind: "word",
					words: ["audit", "signed", "refuse", "allow"],
					otherwise: "audit",
					does: "Code made from strings by `eval` and `new Function`, by `node:vm`, and as modules that a program makes. With `signed`, text runs if it is the content of a signed file. This needs the native gate.",
				},
				moduleHooks: {
					kind: "word",
					words: ["refuse", "signed"],
					optional: true,
					does: "[Hooks of modules](#hooks-of-modules) that a program registers (`module.register`, `module.registerHooks`). With `signed`, their own files are signed, and `stringCode` decides about text that they make. Needs Node.js 22.15. If absent, `refuse`.",
				},
				workers: { kind: "word", words: ["signed", "refuse"], otherwise: "signed", does: "Worker threads." },
				children: {
					kind: "word",
					words: ["refuse", "audit", "allow", "exit"],
					otherwise: "refuse",
					does: "Child processes. With `refuse` a program gets the error of a program that it may not execute (EACCES), whatever `onRefusal` says. `exit` ends the process.",
					by: "Node.js and CPython",
				},
			},
		},
		python: {
			kind: "object",
			does: "What CPython allows and records.",
			by: "CPython",
			members: {
				auditHooks: {
					kind: "word",
					words: ["refuse", "allow"],
					otherwise: "refuse",
					does: "Hooks that a program adds with `sys.addaudithook`.",
				},
				stringCode: {
					kind: "word",
					words: ["audit", "signed", "refuse"],
					otherwise: "audit",
					does: "Code made of text, of syntax trees and of marshalled code. With `refuse`, only the content of signed files passes. With `signed`, the text that three functions of the standard library make passes too ([python.md](../how-to/python.md#text-that-becomes-code)).",
				},
				stringCodeFrom: {
					kind: "list",
					of: { kind: "dotted" },
					unique: "value",
					most: 64,
					does: "With `stringCode: signed`: modules that may make code of any text, such as `jinja2.environment`. If somebody gives such a module a text, the text runs. A name matches the end of a path, so it can name [more files than one](../how-to/python.md#names-in-stringcodefrom), and never the started script.",
				},
				xattr: {
					kind: "word",
					words: ["off", "ima"],
					otherwise: "off",
					does: "`ima`: a file whose attribute `security.ima` is the hash of its content counts as signed. Only the administrator can write that attribute.",
				},
				events: {
					kind: "list",
					of: { kind: "event" },
					unique: "value",
					most: 200,
					otherwise: PYTHON_EVENTS,
					does: "Names of CPython's [audit events](https://docs.python.org/3/library/audit_events.html) that become events, in addition to the default. `*` selects all. A refusal is always an event.",
				},
				extensions: { kind: "word", words: ["signed", "refuse"], otherwise: "signed", does: "Extension modules." },
			},
		},
	},
} as const satisfies ObjectShape;

const PINNED_FILE_MEMBERS = {
	path: { kind: "path", does: "The real path of the file." },
	sha256: { kind: "digest", does: "The SHA-256 of its content." },
} as const;

/**
 * The host configuration: the signers that this machine trusts, the products that it loads, and where it records
 * events.
 */
export const HOST = {
	kind: "object",
	members: {
		version: VERSION,
		mode: { kind: "word", words: MODES, optional: true, does: "The mode, in place of the policy's." },
		onRefusal: {
			kind: "word",
			words: ["throw", "exit"],
			optional: true,
			does: "What a refusal does to the process. If absent, it throws, unless the program asks for `exit`.",
		},
		onExpiry: {
			kind: "word",
			words: ["run", "refuse"],
			otherwise: "run",
			does: "What a running process does when its index, or the certificate of the index's signer, ends. `run`: it goes on loading, with an event a day. `refuse`: it loads nothing more. In both cases no new start succeeds.",
		},
		pins: {
			kind: "list",
			does: "Keys that may sign.",
			of: { kind: "object", members: PIN_MEMBERS },
		},
		policySigners: {
			kind: "list",
			optional: true,
			does: "Keys that may sign policies. If this list is there, an index counts only with a [signed policy](policy.md#signed-policies) by one of them. An empty list trusts nobody.",
			of: { kind: "object", members: PIN_MEMBERS },
		},
		minimumPolicySequence: {
			...SEQUENCE,
			needs: ["policySigners"],
			does: "The smallest sequence of a signed policy. So an older one is refused.",
		},
		authorities: {
			kind: "list",
			does: "Authorities whose certificates may sign.",
			of: {
				kind: "object",
				members: {
					certificate: { kind: "path", does: "A file with one certificate, in PEM or DER." },
					subject: { kind: "line", does: "The exact subject that the authority may vouch for." },
				},
			},
		},
		timestampAuthorities: {
			kind: "list",
			does: "Timestamping authorities. A timestamp by one of them lets a signature outlive its signer's certificate.",
			of: {
				kind: "object",
				members: { certificate: { kind: "path", does: "A file with one certificate of an authority, in PEM or DER." } },
			},
		},
		products: {
			kind: "list",
			unique: "name",
			does: "Products that may be loaded. An index with any other product is refused. An empty list allows every product that a trusted signer names.",
			of: {
				kind: "object",
				members: {
					name: { kind: "line", does: "The name of the product." },
					root: {
						kind: "path",
						optional: true,
						does: "The directory that the product is bound to, in place of the one recorded when the index was compiled.",
					},
					minimumSequence: { ...SEQUENCE, does: "The smallest sequence that is accepted." },
					minimumCompiled: {
						...SEQUENCE,
						does: "The smallest sequence of a trust index with this product. So an older index is refused, even if it is for the same release.",
					},
				},
			},
		},
		deny: {
			kind: "list",
			does: "Files, keys, certificates and catalogs that are refused, whoever signed them. Each item has a `reason`, and exactly one of `file`, `key`, `certificate` and `catalog`. `sigtool trust deny … --config FILE` adds an item.",
			of: {
				kind: "object",
				choose: "exactly one",
				members: {
					file: { kind: "digest", optional: true, choice: true, does: "The SHA-256 of a file's content." },
					key: {
						kind: "digest",
						optional: true,
						choice: true,
						does: "The SHA-256 of a key's SubjectPublicKeyInfo. An index knows the signers of its catalogs only by their keys, so deny such a signer by its key.",
					},
					certificate: {
						kind: "digest",
						optional: true,
						choice: true,
						does: "The SHA-256 of a certificate in DER, or of the part of it that is signed.",
					},
					catalog: {
						kind: "digest",
						optional: true,
						choice: true,
						does: "The SHA-256 of a catalog or index as a file, or of the part of it that is signed.",
					},
					reason: { kind: "line", does: "The reason, which is shown with the refusal." },
				},
			},
		},
		index: { kind: "path", optional: true, does: "The trust index that is used when a program names none." },
		policy: { kind: "path", optional: true, does: "A [policy](policy.md), in place of the index's." },
		launcher: {
			kind: "object",
			optional: true,
			does: "What `sigtool launcher check` compares.",
			members: {
				node: {
					kind: "list",
					does: "The Node.js programs that may be launched.",
					of: { kind: "object", members: PINNED_FILE_MEMBERS },
				},
				bundle: { kind: "object", optional: true, members: PINNED_FILE_MEMBERS, does: "The hook's file." },
			},
		},
		audit: {
			kind: "object",
			does: "Where events go.",
			members: {
				jsonLines: { kind: "path", optional: true, does: "A file that every event is appended to." },
				collector: {
					kind: "switch",
					otherwise: true,
					does: "`true` lets only a collector write to this file, under the launcher; `false` lets the process write to it. See [audit-log.md](audit-log.md).",
				},
				stderr: {
					kind: "word",
					words: ["refusals", "off", "all"],
					otherwise: "refusals",
					does: "Which events are written to standard error: with `off` what was refused, with `refusals` also what enforcement would refuse and what the verifier tells of itself, with `all` each.",
				},
				syslog: {
					kind: "switch",
					otherwise: false,
					does: "`true` sends every event to `/dev/log`, as `spython[PID]: {…}` or `node[PID]: {…}`, with authpriv.notice, refusals with authpriv.crit. The process does not wait: if the log does not take an event at once, the event is lost. Node.js needs the addon for this.",
				},
			},
		},
	},
} as const satisfies ObjectShape;

const PINNED_FILE = { kind: "object", optional: true, members: PINNED_FILE_MEMBERS } as const;
const REFUSED = { kind: "word", words: ["refuse"], optional: true } as const;
/** The digests of programs that upgrades will put in the place of the installed one. */
const ANNOUNCED = { kind: "list", of: { kind: "digest" }, unique: "value", most: 8 } as const;

/** The launcher configuration, `launcher.conf`. Each line `key value` is read as a member of an object. */
export const LAUNCHER = {
	kind: "object",
	choose: "at least one",
	members: {
		version: VERSION,
		mode: { kind: "word", words: MODES, otherwise: "enforce", does: "The weakest mode outside of development." },
		development: {
			kind: "word",
			words: ["refuse", "allow"],
			otherwise: "refuse",
			does: "Whether `--allow-development` may be given.",
		},
		node: { ...PINNED_FILE, choice: true, needs: ["node-major", "bundle"], does: "Node.js." },
		"node-major": { kind: "number", least: 20, most: 9999, optional: true, does: "The major release of node." },
		"node-identity": {
			kind: "line",
			optional: true,
			does: "`dev:inode:size:mtime:ctime` of node when it was digested. While these are the same, the launcher does not digest it again.",
		},
		"node-next": {
			...ANNOUNCED,
			needs: ["node"],
			does: "The SHA-256 of an announced node, which is accepted as well.",
		},
		bundle: { ...PINNED_FILE, does: "The hook of Node.js." },
		addon: { ...PINNED_FILE, does: "The native addon of the hook." },
		gate: {
			...PINNED_FILE,
			does: "The gate, a library that node loads before the hook in the modes enforce and strict.",
		},
		python: { ...PINNED_FILE, choice: true, needs: ["spython"], does: "The program of CPython." },
		"python-next": {
			...ANNOUNCED,
			needs: ["python"],
			does: "The SHA-256 of an announced program of CPython, which is accepted as well.",
		},
		spython: { ...PINNED_FILE, needs: ["python"], does: "The spython that CPython's program loads." },
		libpython: {
			...PINNED_FILE,
			needs: ["python"],
			does: "The shared library with the interpreter, if CPython's program is linked to one.",
		},
		index: { kind: "path", does: "The trust index." },
		config: { kind: "path", does: "The host configuration." },
		audit: {
			kind: "path",
			optional: true,
			does: "The file that `audit.jsonLines` of the host configuration names. Without a line `collector` the process may append to it. The launcher appends to it when it refuses a start.",
		},
		collector: {
			kind: "word",
			words: ["use"],
			optional: true,
			needs: ["audit"],
			does: "A collector writes to this file, and the process cannot.",
		},
		tree: { kind: "list", of: { kind: "path" }, most: 64, does: "The root of a signed tree." },
		write: {
			kind: "list",
			of: { kind: "path" },
			most: 64,
			does: "A directory to write below, from the policy's `launch.write`. At most 64, together with those of `--write`.",
		},
		limit: {
			kind: "list",
			of: { kind: "word", words: ["connect", "bind", "sockets"] },
			most: 3,
			does: "The policy's `launch.network` has this list. So only the ports and sockets that the lines `connect`, `bind` or `socket` name are allowed.",
		},
		connect: { ...PORTS, does: "A TCP port to connect to." },
		bind: { ...PORTS, does: "A TCP port to listen on." },
		socket: {
			kind: "list",
			of: { kind: "path" },
			most: 64,
			does: "A socket with a path, or a directory of such sockets.",
		},
		environment: {
			kind: "list",
			of: { kind: "variable" },
			most: 64,
			does: "A variable that passes in mode strict, from the policy's `launch.environment`.",
		},
		"writable-code": {
			kind: "word",
			words: ["allow"],
			optional: true,
			does: "The policy says `launch.writableCode: allow`.",
		},
		"string-code": { ...REFUSED, does: "The policy says `runtime.stringCode: refuse`." },
		addons: { ...REFUSED, does: "The policy says `runtime.addons: refuse`." },
		workers: { ...REFUSED, does: "The policy says `runtime.workers: refuse`." },
	},
} as const satisfies ObjectShape;

/**
 * The record of a copy of a trust index that processes share. The name of its file is the identity of the index, which
 * is `dev:inode:size:mtime:ctime`. Each line `key value` is read as a member of an object.
 */
export const SHARED = {
	kind: "object",
	members: {
		version: VERSION,
		index: { kind: "path", does: "The trust index that was copied." },
		digest: { kind: "digest", does: "The SHA-256 of the index. The name of the copy has it too." },
		content: { kind: "digest", does: "The SHA-256 of the part that the signature covers." },
		identity: { kind: "line", does: "The identity of the copy after it was made." },
	},
} as const satisfies ObjectShape;

/** The head of a trust index: the policy, the products and the signers, but not the entries and not the signature. */
export const HEAD = {
	kind: "object",
	members: {
		notAfter: {
			kind: "number",
			least: 0,
			most: 8.64e15,
			optional: true,
			does: "The last moment of its validity, in milliseconds since the epoch; at most the last moment of a Date.",
		},
		compiled: { ...SEQUENCE, does: "The sequence of the index itself." },
		policy: { kind: "any", optional: true, does: "The policy." },
		signedPolicy: {
			kind: "object",
			optional: true,
			does: "A signed policy, in place of `policy`.",
			members: {
				document: { kind: "text", does: "The signed document." },
				signature: { kind: "hex", does: "The signature over its UTF-8, a CMS SignedData in hexadecimal." },
			},
		},
		signers: {
			kind: "list",
			of: { kind: "digest" },
			unique: "value",
			does: "The keys that signed the catalogs, as SHA-256 of their SubjectPublicKeyInfo.",
		},
		products: {
			kind: "list",
			unique: "name",
			most: LIMITS.products,
			does: "The products, in the order of their entries.",
			of: {
				kind: "object",
				members: {
					name: { kind: "text", does: "The name of the product." },
					root: { kind: "root", does: "The directory it was compiled from." },
					sequence: { ...SEQUENCE, does: "The sequence of its release." },
					adopted: {
						kind: "true",
						optional: true,
						does: "Nobody signed it: whoever compiled took the directory as it was.",
					},
					catalogs: { kind: "list", of: { kind: "digest" }, unique: "value", does: "The SHA-256 of its catalogs." },
					signers: {
						kind: "list",
						optional: true,
						does: "The signers of its catalogs.",
						of: {
							kind: "object",
							members: {
								key: { kind: "digest", does: "The SHA-256 of the signer's SubjectPublicKeyInfo." },
								subject: {
									kind: "text",
									optional: true,
									does: "The subject of its certificate, if an authority vouches for it.",
								},
								authorities: {
									kind: "list",
									of: { kind: "digest" },
									unique: "value",
									does: "The SHA-256 of the SubjectPublicKeyInfo of each authority of its chain.",
								},
							},
						},
					},
					entries: { kind: "number", least: 0, most: LIMITS.entries, does: "The number of its entries." },
				},
			},
		},
		texts: {
			kind: "list",
			of: { kind: "digest" },
			order: "ascending",
			most: LIMITS.texts,
			optional: true,
			does: "The SHA-256 of such texts without their files, as an earlier sigtool wrote them.",
		},
		fileTexts: {
			kind: "list",
			most: LIMITS.texts,
			optional: true,
			does: "Texts that Node.js compiles for files of the products and that differ from the files' bytes.",
			of: {
				kind: "object",
				members: {
					text: { kind: "digest", does: "The SHA-256 of the text in UTF-8." },
					file: { kind: "digest", does: "The SHA-256 of the file." },
				},
			},
		},
	},
} as const satisfies ObjectShape;

export type Policy = ValueOf<typeof POLICY>;
export type HostDocument = ValueOf<typeof HOST>;
export type LauncherDocument = ValueOf<typeof LAUNCHER>;
export type SharedDocument = ValueOf<typeof SHARED>;
