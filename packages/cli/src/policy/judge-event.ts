/**
 * Judges logged events by a policy, as a runtime in mode enforce would. What depends on the file system or on the host
 * is not judged again: an event that tells such a refusal stays one.
 */

import type { IndexContentView, Policy, ProductSigner } from "@sigtool/core";
import { type FileRules, fileRulesOf, policyInMode, type RuledFile, ruleOn } from "@sigtool/core/internal";
import { ERROR_CODES, isErrorCode, quote } from "@sigtool/core/internal/errors";
import { type PolicyRule, policyRuleOf, rulingOfChildren } from "@sigtool/verifier/internal";
import { isFinding, type LoggedEvent, textOf } from "../events/event.js";
import { usageError } from "../options/usage.js";

/** Says why an event would be a refusal. */
export interface Objection {
	readonly why: string;
	/** The member of the policy that refuses it. Undefined if something else does. */
	readonly rule?: PolicyRule | undefined;
	/** True if the program only gets an error from the function that it called, and decides itself whether it goes on. */
	readonly isError?: boolean;
}

export interface EventJudge {
	readonly rules: FileRules | undefined;
	/** Returns undefined if the event would be no refusal. */
	objectionTo(event: LoggedEvent): Objection | undefined;
	/** Returns the file of an event, as rules see it. Undefined if the event names no content that they decide about. */
	fileOf(event: LoggedEvent): RuledFile | undefined;
}

/**
 * Makes a judge for processes that start at `at`. `index` tells the signers of products.
 * @throws ERR_USAGE if a rule names a signer, and no index tells who signed what
 */
export function eventJudge(policy: Policy, index: IndexContentView | undefined, at: number): EventJudge {
	const effective = policyInMode(policy, policy.mode === "strict" ? "strict" : "enforce");
	const rules = fileRulesOf(policy, at);
	if (rules?.namesSigner === true && index === undefined)
		throw usageError("Name the trust index with --index: a rule of the policy names a signer, and events do not");
	const signers = new Map(index?.products.map((product) => [product.name, product.signers]));

	function fileOf(event: LoggedEvent): RuledFile | undefined {
		if (!isByFile(event)) return undefined;
		const [product, entry] = [textOf(event, "product"), textOf(event, "entry")];
		const path = product === undefined ? textOf(event, "path") : entry;
		const sha256 = textOf(event, "sha256");
		if (path === undefined || sha256 === undefined) return undefined;
		return { product, path, sha256, signers: signersOf(signers, product) };
	}

	return {
		rules,
		fileOf,
		objectionTo(event) {
			const code = textOf(event, "reason");
			if (event.event === "gate.intrusion") return isFinding(event) ? { why: whyOfGate(event) } : undefined;
			const rule = event.rule === "fixed" ? undefined : policyRuleOf(event.event, event.detail);
			if (rule !== undefined && (code === undefined || code === "ERR_RUNTIME_RULE")) {
				const isError = rule.member === "runtime.children" && rulingOfChildren(effective.runtime.children) === "throw";
				if (isRefusedByMember(event, rule.member, effective))
					return { why: `${rule.member} of the policy refuses it (ERR_RUNTIME_RULE)`, rule, isError };
			} else if (code !== undefined && code !== "ERR_POLICY_RULE" && !isLifted(code, event, effective)) {
				return isFinding(event) ? { why: `${meaningOf(code)} (${code})` } : undefined;
			}
			const why = objectionToFile(fileOf(event), event, effective, rules);
			return why === undefined ? undefined : { why };
		},
	};
}

/**
 * Tells whether the event is about a file that the rules can be applied to. An event of an addon without `rule` follows one of
 * `module.open_code` about the file. WebAssembly that the policy or Node.js names needs no signed file.
 */
function isByFile({ event, rule }: LoggedEvent): boolean {
	if (event === "module.open_code") return true;
	if (event === "module.dlopen") return rule !== undefined && rule !== "system" && rule !== "part" && rule !== "name";
	return event === "wasm.compile" && rule === "content";
}

function signersOf(
	signers: ReadonlyMap<string, readonly ProductSigner[] | undefined>,
	product: string | undefined,
): readonly ProductSigner[] {
	return (product === undefined ? undefined : signers.get(product)) ?? [];
}

function objectionToFile(
	file: RuledFile | undefined,
	event: LoggedEvent,
	{ products, files }: Policy,
	rules: FileRules | undefined,
): string | undefined {
	if (file === undefined) return undefined;
	if (isLarger(event, files)) return `${meaningOf("ERR_LIMIT")} (ERR_LIMIT)`;
	const { product } = file;
	if (product !== undefined && products.length > 0 && !products.includes(product))
		return `the policy does not name product ${quote(product)} (ERR_PRODUCT_MISMATCH)`;
	if (rules === undefined) return undefined;
	const { isAllowed, why, by } = ruleOn(rules, file);
	if (isAllowed) return undefined;
	return `${why}${by?.message === undefined ? "" : `: ${by.message}`} (ERR_POLICY_RULE)`;
}

/** Tells whether the policy lets pass what was a refusal when it was logged. */
function isLifted(code: string, event: LoggedEvent, { files }: Policy): boolean {
	const detail = textOf(event, "detail");
	switch (code) {
		case "ERR_LIMIT":
			return event.sizeBytes !== undefined && !isLarger(event, files);
		case "ERR_NOT_EXECUTABLE":
			return files.kernelCheck === "off";
		case "ERR_FILE_WRITABLE":
			return files.othersWrite !== "refuse";
		case "ERR_FILE_OWNER":
			// Only the first reason was logged, so the mode may be another one.
			return files.owner !== "root" && (files.othersWrite !== "refuse" || OWNER_ALONE_WRITES.test(detail ?? ""));
		default:
			return false;
	}
}

function isLarger({ sizeBytes }: LoggedEvent, { maxSizeBytes }: Policy["files"]): boolean {
	return typeof sizeBytes === "number" && sizeBytes > maxSizeBytes;
}

/** Matches the owner and mode of an event if neither the group nor others may write. */
const OWNER_ALONE_WRITES = /, mode [0-7]{2}[0145][0145]$/;

/** Says why the native gate ends the process. */
function whyOfGate(event: LoggedEvent): string {
	const [kind, detail] = [textOf(event, "kind") ?? "text", textOf(event, "detail")];
	return `the native gate ends the process, because no signature names this ${kind}${detail === undefined ? "" : `; ${detail}`}`;
}

function meaningOf(code: string): string {
	if (code === "ERR_RUNTIME_RULE") return "no policy allows it";
	// The type assertion is safe: the code is one of the table.
	return isErrorCode(code) ? ERROR_CODES[code][1].replace(/\.$/, "") : "it was refused";
}

/** Judges an action by the member of the policy that rules on it. */
function isRefusedByMember(event: LoggedEvent, member: string, { mode, launch, runtime, python }: Policy): boolean {
	const isNamed = event.verdict === "allow";
	switch (member) {
		case "runtime.children":
			return runtime.children === "refuse" || runtime.children === "exit";
		case "runtime.stringCode":
			return runtime.stringCode === "refuse" || (runtime.stringCode === "signed" && !isNamed);
		case "runtime.webAssembly":
			if (runtime.webAssembly === "allow") return false;
			if (runtime.webAssembly === "refuse") return true;
			if (runtime.webAssemblySha256.includes(`${event.sha256}`)) return false;
			return !isNamed || event.rule === "webAssemblySha256";
		case "runtime.moduleHooks":
			return runtime.moduleHooks !== "signed";
		case "runtime.workers":
			return runtime.workers === "refuse";
		case "runtime.addons":
			return textOf(event, "path")?.endsWith(".node") === true && event.rule !== "part" && runtime.addons === "refuse";
		case "launch.writableCode":
			return mode === "strict" && launch.writableCode === "refuse";
		case "python.stringCode":
			return python.stringCode !== "audit" && !isNamed;
		case "python.auditHooks":
			return python.auditHooks === "refuse";
		default:
			return !isNamed;
	}
}

/** Returns what an event is about, for people and to group by. */
export function subjectOf(event: LoggedEvent): string {
	const names = ["path", "file", "script", "argument", "name", "detail", "kind", "sha256"];
	const subject = names.map((name) => textOf(event, name)).find((text) => text !== undefined);
	if (subject === undefined) return event.event;
	const isFile = event.event === "module.open_code" || event.event === "module.dlopen";
	return isFile ? subject : `${event.event} ${subject}`;
}
