/**
 * What a runtime may do, as data: a JSON document of version 1. docs/policy.md explains each member; policy.schema.json says
 * the same to editors and to other programs.
 */

import { quote, SigtoolError } from "../errors.js";
import { absent, object, oneOf, SHA256_HEX, set, text, wholeNumber } from "./json-shape.js";

/** From letting everything run to refusing what enforcement would only note. */
export type Mode = "off" | "audit" | "enforce" | "strict";

export interface Policy {
	readonly version: 1;
	readonly mode: Mode;
	/** Products that may be loaded from; empty: any the host knows. */
	readonly products: readonly string[];
	readonly launch: {
		/** Absolute directories the program may write below. */
		readonly write: readonly string[];
	};
	readonly files: {
		/** Larger files are refused unread. */
		readonly maxSizeBytes: number;
		/** Whether the kernel must agree that a file may be executed. */
		readonly kernelCheck: "require" | "log" | "off";
	};
	readonly runtime: {
		readonly addons: "refuse" | "signed";
		readonly webAssembly: "refuse" | "signed" | "allow";
		/** Hexadecimal SHA-256 of modules that count as signed, beside those of signed files. */
		readonly webAssemblySha256: readonly string[];
		/** eval and new Function. */
		readonly stringCode: "refuse" | "audit" | "allow";
		readonly workers: "refuse" | "signed";
		readonly children: "refuse" | "audit" | "allow";
	};
	readonly python: {
		/** Hooks that a program adds by sys.addaudithook. */
		readonly auditHooks: "refuse" | "allow";
		/** What counts beside the entries of the index: security.ima, which only the administrator can write. */
		readonly xattr: "off" | "ima";
		/** Audit events of CPython that are events of ours, by name; `*`: all. Refusals always are. */
		readonly events: readonly string[];
		readonly extensions: "signed" | "refuse";
	};
}

/** Octets of the largest policy document read. */
export const MAX_POLICY_BYTES = 65_536;

/**
 * A policy document, its missing members as in DEFAULT_POLICY. Members stand in one order, so that equal policies are equal
 * JSON.
 * @throws ERR_POLICY, naming the member
 */
export function parsePolicy(value: unknown): Policy {
	return readPolicy(value, "$", refusal);
}

/** The policy of a file: a JSON document in UTF-8. @throws ERR_POLICY */
export function policyFromFileBytes(octets: Uint8Array): Policy {
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets));
	} catch (cause) {
		throw new SigtoolError("ERR_POLICY", "Cannot use the policy: it is not a JSON document in UTF-8", { cause });
	}
	return parsePolicy(value);
}

/** `policy` under `mode`: under strict nothing is merely noted, and the kernel must be asked. */
export function policyInMode(policy: Policy, mode: Mode): Policy {
	if (mode !== "strict") return { ...policy, mode };
	const { files, runtime, python } = policy;
	const webAssembly = runtime.webAssembly === "allow" ? "signed" : runtime.webAssembly;
	return {
		...policy,
		mode,
		files: { ...files, kernelCheck: "require" },
		runtime: { ...runtime, webAssembly, stringCode: "refuse", children: "refuse" },
		python: { ...python, auditHooks: "refuse", xattr: "off" },
	};
}

/** What starts or loads something else, and what turns against the hooks. None of them is raised by imports. */
const PYTHON_EVENTS: readonly string[] = [
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
];

/** As much as fits one buffer on every Node.js. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

const readPolicy = object<Policy>({
	version: (value, at) => {
		if (value === 1) return value;
		throw refusal(at, "must be 1, the version of the format");
	},
	mode: oneOf("enforce", "off", "audit", "strict"),
	products: set(text(/^[\s\S]+$/, "a name")),
	launch: object({
		write: set(text(/^(?![\s\S]*\/\.\.?(\/|$))(\/|(\/[^/\0]+)+)$/, "an absolute path without ., .. and / at its end")),
	}),
	files: object({
		maxSizeBytes: absent(64 * 2 ** 20, wholeNumber(1, MAX_FILE_BYTES)),
		kernelCheck: oneOf("log", "require", "off"),
	}),
	runtime: object({
		addons: oneOf("signed", "refuse"),
		webAssembly: oneOf("signed", "refuse", "allow"),
		webAssemblySha256: set(SHA256_HEX),
		stringCode: oneOf("audit", "refuse", "allow"),
		workers: oneOf("signed", "refuse"),
		children: oneOf("refuse", "audit", "allow"),
	}),
	python: object({
		auditHooks: oneOf("refuse", "allow"),
		xattr: oneOf("off", "ima"),
		events: absent(PYTHON_EVENTS, set(text(/^(\*|\w+(\.\w+)*)$/, "the name of an audit event, or *"))),
		extensions: oneOf("signed", "refuse"),
	}),
});

export const DEFAULT_POLICY: Policy = parsePolicy({ version: 1 });

function refusal(at: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_POLICY", `Cannot use the policy: ${quote(at)} ${reason}`);
}
