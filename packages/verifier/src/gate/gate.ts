/**
 * What a runtime asks before it runs anything: one door for files, one for what else can become code. Each answer is an
 * event; each refusal is written before it is thrown, or before it ends the process.
 */

import { type Mode, type Policy, quote, SigtoolError } from "@sigtool/core/read";
import type { Audit, EventVerdict } from "../audit/audit.js";
import type { EventDetail, EventName, FieldValue } from "../audit/events.js";
import { STANDARD_ERROR, writeFully } from "../audit/sinks.js";
import type { OnRefusal } from "../host/config.js";
import { Bytes, exitNow, keysOf } from "../safe/primordials.js";
import { type PlainType, plainFiles, plainPackages, type ReadPackageType, type ReadPlainFile } from "./fast-path.js";
import type { Capability } from "./kernel-check.js";
import { type OpenedCode, type OpenRules, openCode, openCodeSync } from "./open-code.js";
import { explain, type Verdict, verdictDetail } from "./verdict.js";

/** What a file is opened as: for the event, of no consequence for the verdict. */
export type CodeUse = "main" | "commonjs" | "module" | "json" | "typescript" | "addon" | "wasm" | "worker" | "data";

/** Code that may be run, or in audit mode will be: `bytes` are exactly those that were hashed, in memory nobody else has. */
export interface AdmittedCode {
	readonly realPath: string;
	readonly bytes: Uint8Array;
	readonly verdict: Verdict;
}

export interface Gate {
	readonly mode: Mode;
	/** As it applies in this mode. */
	readonly policy: Policy;
	readonly audit: Audit;
	/** What opening a file enforces here and what not. */
	readonly capabilities: readonly Capability[];
	/** @throws ERR_UNTRUSTED_CODE, ERR_AUDIT_HOOK, ERR_AUDIT_SINK; the system's own errors */
	openCodeSync(path: string, use: CodeUse): AdmittedCode;
	/** The content alone, for which there is a shorter way: as text where that way was taken, which UTF-8 alone is. Throws as `openCodeSync`. */
	readCodeSync(path: string, use: CodeUse): string | Uint8Array;
	/** What a package.json that may be read says of its `type`, "absent" when none is there; undefined: ask `readCodeSync`. Throws as that does. */
	packageTypeOf(path: string): PlainType | "absent" | undefined;
	/** As `openCodeSync`, as a promise. */
	openCode(path: string, use: CodeUse): Promise<AdmittedCode>;
	/** What a regular file holds that lies outside of every product's tree; undefined for any other. Nothing vouches for it. No event. */
	readOutside(path: string): Uint8Array | undefined;
	/** The verdict for bytes that are said to lie at a real path; no event. */
	decide(path: string, bytes: Uint8Array): Verdict;
	/** Whether a link may be followed: outside of products any, inside of them those that are signed. No event. */
	admitsLink(path: string, target: string): boolean;
	/** Whether content is that of a signed file, wherever it lies; by lowercase hexadecimal SHA-256. No event. */
	hasContent(sha256: string): boolean;
	/**
	 * What policy says of something the program asks of its runtime. Returns when it may go on.
	 * @param why what a refusal throws, when there is more to say than that the policy refuses it
	 * @throws ERR_RUNTIME_RULE, ERR_AUDIT_HOOK, ERR_AUDIT_SINK
	 */
	rule<Name extends EventName>(event: Name, detail: EventDetail<Name>, ruling: EventVerdict, why?: SigtoolError): void;
}

export interface GateParts extends OpenRules {
	readonly mode: Mode;
	readonly policy: Policy;
	readonly onRefusal: OnRefusal;
	/** How `exit` ends the process; by default the calling thread, which is not all of it in a worker. */
	readonly exit?: ((status: number) => never) | undefined;
	readonly audit: Audit;
	readonly readPlainFile?: ReadPlainFile | undefined;
	readonly readPackageType?: ReadPackageType | undefined;
}

/** Exit status of a process that is ended by a refusal. */
export const REFUSED_STATUS = 126;

export function gateOf(parts: GateParts): Gate {
	const { mode, policy, onRefusal, exit = exitNow, audit, judge } = parts;
	const rules: OpenRules = { ...parts, sizes: mode === "off" || mode === "audit" ? "any" : "bounded" };
	const readPlain = parts.readPlainFile && plainFiles(rules, parts.readPlainFile);
	const readType = parts.readPackageType && plainPackages(rules, parts.readPackageType);
	const refusing: EventVerdict = mode === "off" || mode === "audit" ? "audit" : "refuse";

	function admit(path: string, use: CodeUse, opened: OpenedCode): AdmittedCode {
		const { realPath, bytes, verdict } = opened;
		// Where nothing was read nothing can be handed out, whatever the mode.
		announce(path, use, realPath, verdict, bytes === undefined ? "refuse" : refusing);
		return { realPath, bytes: bytes ?? NOTHING, verdict };
	}

	/** Most often it is that a file may be opened, and nobody listens. `otherwise`: the ruling for a file that is not trusted. */
	function announce(path: string, use: CodeUse, realPath: string, verdict: Verdict, otherwise: EventVerdict): void {
		const ruling = verdict.trusted ? "allow" : otherwise;
		if (ruling === "allow" && !audit.isHeard("module.open_code", ruling)) return;
		settle("module.open_code", { path: realPath, use, ...verdictDetail(verdict) }, ruling, () => {
			return untrustedCode(path, verdict);
		});
	}

	/** The event first, then what follows from it. */
	function settle<Name extends EventName>(
		event: Name,
		detail: EventDetail<Name>,
		ruling: EventVerdict,
		refusal: () => SigtoolError,
	): void {
		let error: unknown;
		try {
			if (mode !== "off") audit.raise(event, ruling, detail);
			if (ruling !== "refuse") return;
			error = refusal();
		} catch (cause) {
			const isUnwritten = codeOf(cause) === "ERR_AUDIT_SINK";
			if (isUnwritten && ruling === "audit") return; // Nothing is refused but by hooks.
			error = isUnwritten && ruling === "refuse" ? unwritten(cause, refusal()) : cause;
		}
		if (onRefusal === "exit") endProcess(error, exit);
		throw error;
	}

	return {
		mode,
		policy,
		audit,
		capabilities: parts.kernel.capabilities,
		openCodeSync: (path, use) => admit(path, use, openCodeSync(path, rules)),
		readCodeSync(path, use) {
			const plain = readPlain?.(path);
			if (plain === undefined) return admit(path, use, openCodeSync(path, rules)).bytes;
			announce(path, use, path, plain.verdict, refusing);
			return plain.content;
		},
		packageTypeOf(path) {
			const plain = readType?.(path);
			if (plain === undefined || plain === "absent") return plain;
			announce(path, "json", path, plain.verdict, refusing);
			return plain.content;
		},
		openCode: async (path, use) => admit(path, use, await openCode(path, rules)),
		readOutside(path) {
			if (judge.placeOf(path) !== undefined) return undefined;
			const { realPath, bytes } = openCodeSync(path, rules);
			return judge.placeOf(realPath) === undefined ? bytes : undefined;
		},
		decide: judge.decide,
		admitsLink: judge.admitsLink,
		hasContent: judge.hasContent,
		rule(event, detail, ruling, why) {
			const applied = ruling === "refuse" ? refusing : ruling;
			if (applied === "allow" && !audit.isHeard(event, applied)) return;
			const reason = applied === "allow" ? undefined : (why?.code ?? "ERR_RUNTIME_RULE");
			settle(event, { reason, ...detail }, applied, () => {
				const mend = event === "wasm.compile" ? WASM_MEND : "";
				const message = `Cannot go on with ${event}${described(detail)}: the policy refuses it${mend}`;
				return why ?? new SigtoolError("ERR_RUNTIME_RULE", message);
			});
		},
	};
}

const NOTHING = new Bytes(0);
const WASM_MEND = "; if it is to run, name its digest in runtime.webAssemblySha256";

/** Path, digests, product, entry and rule, and what mends it. The cause's code says why. */
function untrustedCode(path: string, verdict: Verdict): SigtoolError {
	if (verdict.trusted) return new SigtoolError("ERR_INTERNAL", `Cannot load ${quote(path)}: it was not read`);
	const message = `Cannot load ${quote(path)}: ${explain(verdict, quote)}`;
	const cause = new SigtoolError(verdict.reason, `Cannot trust ${quote(path)}: ${verdict.why}`, { path });
	return new SigtoolError("ERR_UNTRUSTED_CODE", message, { path, cause });
}

/** A refusal that is not in the audit trail: what failed, and what was refused. */
function unwritten(failure: unknown, refusal: SigtoolError): SigtoolError {
	const { message } = failure as SigtoolError; // By its code.
	return new SigtoolError("ERR_AUDIT_SINK", `${message}; unwritten: ${refusal.message}`, { cause: refusal });
}

/** A program could catch what is thrown, and load something else. */
function endProcess(error: unknown, exit: (status: number) => never): never {
	try {
		const { message } = error as Error; // Whatever was thrown, a text that says undefined does no harm.
		writeFully(STANDARD_ERROR, `sigtool: ${codeOf(error)}: ${message}\n`);
	} finally {
		exit(REFUSED_STATUS);
	}
}

/** ` (path "/a.js")`, of whatever there is to say. */
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
