/**
 * Judges logged events by a policy, as a runtime in mode enforce would. What depends on the file system or on the host
 * is not judged again: an event that tells such a refusal stays one.
 */

import type { IndexContentView, Policy, ProductSigner } from "@sigtool/core";
import { type FileRules, fileRulesOf, policyInMode, type RuledFile, ruleOn } from "@sigtool/core/internal";
import { ERROR_CODES, isErrorCode, quote } from "@sigtool/core/internal/errors";
import { policyRuleOf } from "@sigtool/verifier/internal";
import { type LoggedEvent, textOf } from "../events/event.js";
import { usageError } from "../options/usage.js";

export interface EventJudge {
	readonly rules: FileRules | undefined;
	/** Returns why the event would be a refusal, or undefined if it would not. */
	objectionTo(event: LoggedEvent): string | undefined;
	/** Returns the file of an event, as rules see it. Undefined if the event names no content. */
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
			const rule = policyRuleOf(event.event, event.detail);
			if (rule !== undefined && (code === undefined || code === "ERR_RUNTIME_RULE")) {
				const objection = objectionOfMember(event, rule.member, effective);
				if (objection !== undefined) return objection;
			} else if (
				code !== undefined &&
				code !== "ERR_POLICY_RULE" &&
				!isLifted(code, textOf(event, "detail"), effective)
			) {
				return event.verdict === "allow" ? undefined : `${meaningOf(code)} (${code})`;
			}
			return FILE_EVENTS.has(event.event) ? objectionToFile(fileOf(event), event, effective, rules) : undefined;
		},
	};
}

function signersOf(
	signers: ReadonlyMap<string, readonly ProductSigner[] | undefined>,
	product: string | undefined,
): readonly ProductSigner[] {
	return (product === undefined ? undefined : signers.get(product)) ?? [];
}

/** The events whose subject is a file that the rules can be applied to. */
const FILE_EVENTS: ReadonlySet<string> = new Set(["module.open_code", "module.dlopen"]);

function objectionToFile(
	file: RuledFile | undefined,
	event: LoggedEvent,
	{ products }: Policy,
	rules: FileRules | undefined,
): string | undefined {
	if (file === undefined) return undefined;
	const { product } = file;
	if (product !== undefined && products.length > 0 && !products.includes(product))
		return `the policy does not name product ${quote(product)} (ERR_PRODUCT_MISMATCH)`;
	if (rules === undefined || textOf(event, "rule") === "system") return undefined;
	const { isAllowed, why, by } = ruleOn(rules, file);
	if (isAllowed) return undefined;
	return `${why}${by?.message === undefined ? "" : `: ${by.message}`} (ERR_POLICY_RULE)`;
}

/** Tells whether the policy lets pass what was a refusal when it was logged. */
function isLifted(code: string, detail: string | undefined, { files }: Policy): boolean {
	switch (code) {
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

/** Matches the owner and mode of an event if neither the group nor others may write. */
const OWNER_ALONE_WRITES = /, mode [0-7]{2}[0145][0145]$/;

function meaningOf(code: string): string {
	// The type assertion is safe: the code is one of the table.
	return isErrorCode(code) ? ERROR_CODES[code][1].replace(/\.$/, "") : "it was refused";
}

/** Judges an action by the member of the policy that rules on it. */
function objectionOfMember(
	event: LoggedEvent,
	member: string,
	{ mode, launch, runtime, python }: Policy,
): string | undefined {
	const isNamed = event.verdict === "allow";
	const isRefused = (): boolean => {
		switch (member) {
			case "runtime.children":
				return runtime.children === "refuse" || runtime.children === "exit";
			case "runtime.stringCode":
				return runtime.stringCode === "refuse" || (runtime.stringCode === "signed" && !isNamed);
			case "runtime.webAssembly":
				if (runtime.webAssembly === "allow") return false;
				return runtime.webAssembly === "refuse" || (!isNamed && !runtime.webAssemblySha256.includes(`${event.sha256}`));
			case "runtime.workers":
				return runtime.workers === "refuse";
			case "runtime.addons":
				return textOf(event, "path")?.endsWith(".node") === true && runtime.addons === "refuse";
			case "launch.writableCode":
				return mode === "strict" && launch.writableCode === "refuse";
			case "python.stringCode":
				return python.stringCode !== "audit" && !isNamed;
			case "python.auditHooks":
				return python.auditHooks === "refuse";
			default:
				return !isNamed;
		}
	};
	return isRefused() ? `${member} of the policy refuses it (ERR_RUNTIME_RULE)` : undefined;
}

/** Returns what an event is about, for people and to group by. */
export function subjectOf(event: LoggedEvent): string {
	const names = ["path", "file", "script", "argument", "name", "detail", "kind"];
	const subject = names.map((name) => textOf(event, name)).find((text) => text !== undefined);
	return subject === undefined || FILE_EVENTS.has(event.event) ? (subject ?? event.event) : `${event.event} ${subject}`;
}
