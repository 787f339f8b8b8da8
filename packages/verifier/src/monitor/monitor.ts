/**
 * A runtime asks the reference monitor before it runs anything. The monitor opens files as code, and rules on what else can become
 * code. Each decision is an event. A refusal is written to the sinks before it is thrown or ends the process.
 */

import { isPassing, quote } from "@sigtool/core/internal/read";
import { type IndexDigests, type Mode, type Policy, SigtoolError } from "@sigtool/core/read";
import type { Audit } from "../audit/audit.js";
import { isCollectorGone } from "../audit/collector-sink.js";
import type { EventDetail, EventName, EventVerdict, FieldValue } from "../audit/events.js";
import { STANDARD_ERROR, writeFully } from "../audit/sinks.js";
import type { OnRefusal } from "../host/config.js";
import { Bytes, exitNow, keysOf, shielded } from "../safe/primordials.js";
import { refusalError, unshown } from "../safe/thrown-error.js";
import {
	fastReader,
	fastTypeReader,
	type PackageJsonType,
	type ReadPackageType,
	type ReadRegularFile,
} from "./fast-path.js";
import { pathOfFileUrl } from "./file-url.js";
import type { Place } from "./judge.js";
import type { Capability } from "./kernel-check.js";
import { type OpenedCode, type OpenRules, openCode, openCodeSync, verdictOfFile } from "./open-code.js";
import { refusingRule } from "./policy-rules.js";
import { untrustedCode } from "./untrusted-code.js";
import { type Verdict, verdictDetail } from "./verdict.js";

/** The purpose a file is opened for. It is recorded in the event and does not affect the verdict. */
export type CodeUse = "main" | "commonjs" | "module" | "json" | "typescript" | "addon" | "wasm" | "worker" | "data";

/**
 * Code that is trusted, or that may run only because the mode refuses nothing. `bytes` are exactly those that were
 * hashed, shielded, in memory that is not shared.
 */
export interface AdmittedCode {
	readonly realPath: string;
	readonly bytes: Uint8Array;
	readonly verdict: Verdict;
}

export interface Monitor {
	readonly mode: Mode;
	/** The policy after `policyInMode` has adapted it to the mode. */
	readonly policy: Policy;
	readonly audit: Audit;
	/** The digests of the index. Undefined if nothing was verified, or catalogs. */
	readonly digests: IndexDigests | undefined;
	/** Lists the checks of an opened file that the kernel makes. Each element says if this system enforces that check. */
	readonly capabilities: readonly Capability[];
	/** @throws ERR_UNTRUSTED_CODE, ERR_AUDIT_HOOK, ERR_AUDIT_SINK; the system's own errors */
	openCodeSync(path: string, use: CodeUse): AdmittedCode;
	/**
	 * Returns the content alone, by the fast path if possible. The fast path returns a string, whose UTF-8 is exactly the
	 * bytes of the file. The full path returns bytes. Throws like `openCodeSync`.
	 */
	readCodeSync(path: string, use: CodeUse): string | Uint8Array;
	/**
	 * Returns the `type` of a trusted package.json by the fast path, or "absent" if the file does not exist. Returns
	 * undefined if the caller has to use `readCodeSync`. Throws like `readCodeSync`.
	 */
	packageTypeOf(path: string): PackageJsonType | "absent" | undefined;
	/** Does what `openCodeSync` does, and reads the content asynchronously. */
	openCode(path: string, use: CodeUse): Promise<AdmittedCode>;
	/**
	 * Reads a file that is outside of every product's tree, so that no signature covers it. Returns undefined for a
	 * file inside a product's tree. Raises no event.
	 */
	readOutside(path: string): Uint8Array | undefined;
	/**
	 * Returns the verdict for a file with this real path and these bytes. Reads no file: the caller says where the
	 * bytes come from. Raises no event.
	 */
	decide(path: string, bytes: Uint8Array): Verdict;
	/**
	 * Returns the verdict for a file as it is now, with its owner, its mode and what the kernel says. Raises no event.
	 * @throws the system's own errors
	 */
	examine(path: string): Verdict;
	/** Tells whether a link may be followed. A link inside a product must be signed with this target. Raises no event. */
	admitsLink(path: string, target: string): boolean;
	/** Tells whether the index names a file or a link at this path. Raises no event. */
	isNamed(path: string): boolean;
	/** Returns the place of a signed file that counts and has this SHA-256, in lower-case hexadecimal. Raises no event. */
	placeOfContent(sha256: string): Place | undefined;
	/**
	 * Returns the refusal of a text that a program compiles, if no policy lets it pass. `path`, or its URL, is where the
	 * program says that it has the text of a module from. It is undefined for other text. The text is refused if it is that of denied
	 * files, or if another file than a signed one is at that path: then it counts as the content of that file, whatever was
	 * done to it. Raises no event.
	 */
	refusalOfText(sha256: string, path?: string): TextRefusal | undefined;
	/**
	 * Raises the event for an action that the program asks of its runtime. Returns if the action may go on.
	 * @param ruling the policy's decision, or `never` if no policy allows the action; in the modes off and audit, both
	 * `refuse` and `never` have the verdict `audit`
	 * @param why the error that a refusal throws. Default: ERR_RUNTIME_RULE.
	 * @throws ERR_RUNTIME_RULE, ERR_AUDIT_HOOK, ERR_AUDIT_SINK
	 */
	rule<Name extends EventName>(event: Name, detail: EventDetail<Name>, ruling: Ruling, why?: SigtoolError): void;
}

export interface TextRefusal {
	readonly reason: string;
	readonly error: SigtoolError;
}

/** `throw` and `exit` are refusals that throw, or end the process, whatever `onRefusal` says. */
export type Ruling = Exclude<EventVerdict, "audit"> | "never" | "throw" | "exit";

export interface MonitorParts extends Omit<OpenRules, "sizes"> {
	readonly mode: Mode;
	readonly policy: Policy;
	readonly onRefusal: OnRefusal;
	/** Ends the process if `onRefusal` is `exit`. In a worker thread the default function ends only that thread. */
	readonly exit?: ((status: number) => never) | undefined;
	readonly audit: Audit;
	readonly digests?: IndexDigests | undefined;
	readonly readRegularFile?: ReadRegularFile | undefined;
	readonly readPackageType?: ReadPackageType | undefined;
}

/** The exit status of a process that a refusal ended. */
export const REFUSED_STATUS = 126;
/** The exit status of a start that could not be judged, because of a fault that may pass. EX_TEMPFAIL of sysexits.h. */
const UNDECIDED_STATUS = 75;

/** Returns the exit status of a process that this error ends. */
export function statusOf(error: unknown): number {
	return isPassing(error) ? UNDECIDED_STATUS : REFUSED_STATUS;
}

export function monitorOf(parts: MonitorParts): Monitor {
	const { mode, policy, onRefusal, exit = exitNow, audit, judge } = parts;
	const rules: OpenRules = { ...parts, sizes: mode === "off" || mode === "audit" ? "any" : "bounded" };
	const readFast = parts.readRegularFile && fastReader(rules, parts.readRegularFile);
	const readType = parts.readPackageType && fastTypeReader(rules, parts.readPackageType);
	const refusing: EventVerdict = mode === "off" || mode === "audit" ? "audit" : "refuse";

	function admit(path: string, use: CodeUse, opened: OpenedCode): AdmittedCode {
		const { realPath, bytes, sizeBytes, verdict } = opened;
		// Without bytes there is nothing to run, so this is a refusal in every mode.
		const otherwise = bytes === undefined ? "refuse" : refusing;
		announce(path, use, realPath, verdict, otherwise, sizeBytes);
		return { realPath, bytes: bytes ?? NOTHING, verdict };
	}

	/**
	 * Raises the event of a file. `otherwise` is the ruling for a file that is not trusted. Skips an event of verdict
	 * `allow` if no hook, subscriber or sink would get it.
	 */
	function announce(
		path: string,
		use: CodeUse,
		realPath: string,
		verdict: Verdict,
		otherwise: EventVerdict,
		sizeBytes?: number,
	): void {
		const ruling = verdict.trusted ? "allow" : otherwise;
		if (ruling === "allow" && !audit.isHeard("module.open_code", ruling)) return;
		settle("module.open_code", { path: realPath, use, sizeBytes, ...verdictDetail(verdict) }, ruling, () => {
			return untrustedCode(path, verdict);
		});
	}

	/** Raises the event first, then refuses or returns. */
	function settle<Name extends EventName>(
		event: Name,
		detail: EventDetail<Name>,
		ruling: EventVerdict,
		refusal: () => SigtoolError,
		ends = onRefusal === "exit",
	): void {
		let error: unknown;
		let isSilent = false;
		try {
			if (mode !== "off") audit.raise(event, ruling, detail, ends ? "ends" : "goes on");
			if (ruling !== "refuse") return;
			error = refusal();
		} catch (cause) {
			const isUnwritten = codeOf(cause) === "ERR_AUDIT_SINK";
			// An action that is not refused goes on if the sink failed. Only an audit hook may stop it.
			if (isUnwritten && (ruling === "audit" || ruling === "record")) return;
			isSilent = isUnwritten && ruling === "refuse" && isCollectorGone(cause);
			error = isUnwritten && ruling === "refuse" ? unwritten(cause, refusal()) : cause;
		}
		if (ends || isSilent) {
			audit.finish();
			endProcess(error, exit);
		}
		throw unshown(error, "node-do-not-add-exception-line");
	}

	return {
		mode,
		policy,
		audit,
		capabilities: parts.kernel.capabilities,
		digests: parts.digests,
		openCodeSync: (path, use) => admit(path, use, openCodeSync(path, rules)),
		readCodeSync(path, use) {
			const fast = readFast?.(path);
			if (fast === undefined) return admit(path, use, openCodeSync(path, rules)).bytes;
			announce(path, use, path, fast.verdict, refusing);
			return fast.content;
		},
		packageTypeOf(path) {
			const fast = readType?.(path);
			if (fast === undefined || fast === "absent") return fast;
			announce(path, "json", path, fast.verdict, refusing);
			return fast.content;
		},
		openCode: async (path, use) => admit(path, use, await openCode(path, rules)),
		readOutside(path) {
			if (judge.placeOf(path) !== undefined) return undefined;
			const { realPath, bytes } = openCodeSync(path, rules);
			return judge.placeOf(realPath) === undefined ? bytes : undefined;
		},
		decide: judge.decide,
		examine: (path) => openCodeSync(path, rules).verdict,
		admitsLink: judge.admitsLink,
		isNamed: judge.isNamed,
		placeOfContent: judge.placeOfContent,
		refusalOfText(sha256, path) {
			const verdict =
				judge.refusalOfText(sha256) ??
				(path === undefined ? undefined : verdictOfFile(pathOfFileUrl(path) ?? path, rules));
			if (verdict === undefined || verdict.trusted) return undefined;
			return { reason: verdict.reason, error: untrustedCode(path ?? "a text", verdict) };
		},
		rule(event, detail, ruling, why) {
			const isRefused = ruling === "refuse" || ruling === "never" || ruling === "throw" || ruling === "exit";
			const applied = isRefused ? refusing : ruling;
			const ends = ruling === "exit" || (ruling !== "throw" && onRefusal === "exit");
			if (applied === "allow" && !audit.isHeard(event, applied)) return;
			const reason = isRefused ? (why?.code ?? "ERR_RUNTIME_RULE") : undefined;
			const refusal = () => {
				const rule = ruling === "never" ? NEVER : refusingRule(event, mode);
				const message = `Cannot go on with ${event}${described(detail)}: ${rule}`;
				return why ?? refusalError("ERR_RUNTIME_RULE", message);
			};
			// A program learns of a refused child only that it may not start it, so the event says how to allow it.
			const way = ruling === "throw" ? refusingRule(event, mode) : undefined;
			const told = { reason, ...detail, ...(way && { detail: way }) };
			const rule = ruling === "never" && told.reason === "ERR_RUNTIME_RULE" ? "fixed" : undefined;
			settle(event, { ...told, ...(rule && { rule }) }, applied, refusal, ends);
		},
	};
}

const NOTHING = shielded(new Bytes(0));
const NEVER = "it is refused whatever the policy says";

/** Returns ERR_AUDIT_SINK for a refusal that could not be written. The message has the failure and the refusal. */
function unwritten(failure: unknown, refusal: SigtoolError): SigtoolError {
	// The type assertion is safe: the caller has found the code ERR_AUDIT_SINK.
	const { message } = failure as SigtoolError;
	return refusalError("ERR_AUDIT_SINK", `${message}; unwritten: ${refusal.message}`, { cause: refusal });
}

/** Ends the process instead of throwing, because a program could catch an error and then load something else. */
function endProcess(error: unknown, exit: (status: number) => never): never {
	try {
		// If `error` is no Error, the message becomes "undefined", which does no harm.
		const { message } = error as Error;
		writeFully(STANDARD_ERROR, `sigtool: ${codeOf(error)}: ${message}\n`);
	} finally {
		exit(REFUSED_STATUS);
	}
}

/** Formats the fields that have a value, e.g. ` (path "/a.js")`. */
function described(detail: Readonly<Record<string, FieldValue>>): string {
	const names = keysOf(detail);
	let text = "";
	for (let i = 0; i < names.length; i++) {
		const value = detail[names[i] ?? ""];
		if (value !== undefined) text += `${text === "" ? "" : ", "}${names[i]} ${quote(`${value}`)}`;
	}
	return text === "" ? "" : ` (${text})`;
}

function codeOf(error: unknown): string | undefined {
	return error instanceof SigtoolError ? error.code : undefined;
}
