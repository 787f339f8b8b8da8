import { resolve } from "node:path";
import { type Policy, parsePolicy } from "@sigtool/core";
import { COMMAND, quote, shell } from "@sigtool/core/internal/errors";
import { STANDARD_INPUT } from "../../events/log-pieces.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { count } from "../../output/render.js";
import { type Learned, learnFrom } from "../../policy/learn.js";
import { compileCommand, placeOfIndex, signCommand, strayFiles, testCommand } from "../../policy/next-steps.js";
import { indexIn } from "../../policy/policy-files.js";
import type { SigningGroup } from "../../policy/signing-groups.js";
import { changedMembers } from "./policy-diff.js";
import { writePolicy } from "./policy-init.js";

export interface PolicyLearnOptions extends OutputOptions {
	readonly index?: string;
	readonly output?: string;
	readonly owner?: string;
	readonly expires?: string;
	readonly cwd?: string;
	readonly force?: boolean;
}

/**
 * Learns a policy from logs. Nothing is compiled or signed.
 * @throws ERR_USAGE, ERR_OUTPUT_EXISTS, ERR_POLICY, ERR_ROOT_MISSING, ERR_IO
 */
export async function policyLearn(logs: readonly string[], options: PolicyLearnOptions): Promise<Report> {
	const { index, output, owner, expires, cwd, force } = options;
	const compiled = index === undefined ? undefined : indexIn(index);
	const learned = await learnFrom(logs, {
		index: compiled,
		directory: cwd === undefined ? undefined : resolve(cwd),
		...{ owner, expires },
	});
	if (learned.events === 0) throw usageError(`Cannot learn from ${logs.map(escaped).join(", ")}: no line is an event`);
	const parsed = parsePolicy(learned.policy); // An owner or an end that no rule can have is refused before anything is written.
	if (output !== undefined) writePolicy(output, learned.policy, force);
	const { policy, unsigned, files, notes } = learned;
	const text = JSON.stringify(policy, null, "\t");
	const steps = stepsFor(logs, learned, compiled?.signedPolicy !== undefined, options);
	return {
		exit: 0,
		fields: {
			policy,
			output,
			events: learned.events,
			otherLines: learned.otherLines,
			first: learned.first,
			last: learned.last,
			unsigned: unsigned.map(({ directory, way, product, files: names }) => {
				return { directory, way, product, files: names.map((path) => ({ path, sha256: files.get(path) })) };
			}),
			commands: steps.flatMap(({ command }) => command ?? []),
		},
		data: output === undefined ? [text] : [],
		lines: output === undefined ? [] : [`wrote ${escaped(output)}, learned from ${count(learned.events, "event")}`],
		notes: [...notes.map(escaped), ...lostNotes(parsed, compiled?.policy, options), ...steps.map(stepText)],
	};
}

/** The policy of the index may say what no log tells, and somebody meant it. */
function lostNotes(learned: Policy, ofIndex: Policy | undefined, { index = "", output }: PolicyLearnOptions): string[] {
	if (ofIndex === undefined) return [];
	const enforced = { ...ofIndex, mode: ofIndex.mode === "strict" ? ofIndex.mode : learned.mode };
	const said = new Set(changedMembers(parsePolicy({ version: 1 }), enforced).map(({ member }) => member));
	const lost = changedMembers(enforced, learned).flatMap(({ member }) => (said.has(member) ? [member] : []));
	if ((ofIndex.rules ?? []).some(({ deny }) => deny !== undefined)) lost.push("denied files");
	if (lost.length === 0) return [];
	const compare = output === undefined ? "" : `; \`${shell`${COMMAND} policy diff ${index} ${output}`}\` shows it`;
	return [`the policy of the index says something else about ${lost.join(", ")}: copy what is to stay${compare}`];
}

interface Step {
	readonly what: string;
	readonly command?: string;
}

/** Returns what is left to do before the policy is enforced. */
function stepsFor(
	logs: readonly string[],
	{ unsigned, trees }: Learned,
	isPolicySigned: boolean,
	options: PolicyLearnOptions,
): Step[] {
	const { output: policy = "policy.json", index = placeOfIndex(trees) } = options;
	const stray = strayFiles([...logs.filter((log) => log !== STANDARD_INPUT), policy], trees);
	const steps: Step[] = stray.map((what) => ({ what }));
	for (const group of unsigned) {
		steps.push(
			group.way === "sign"
				? { what: `${unsignedText(group)}; sign it`, command: signCommand(group) }
				: { what: `${unsignedText(group)}; the index adopts it` },
		);
	}
	if (trees.length > 0) steps.push({ what: "then compile", command: compileCommand(trees, policy, index) });
	if (unsigned.length === 0) steps.push({ what: "then try it", command: testCommand(logs, policy, index) });
	else steps.push({ what: recordAgain(index) });
	if (isPolicySigned) steps.push({ what: SIGN_POLICY });
	return steps;
}

/** A learned policy is a draft that nobody has signed. */
const SIGN_POLICY = `the policy of the index is a signed one: before a host gets the new policy, let a policy signer sign it with \`${COMMAND} policy sign\`, and compile with what that writes`;

function recordAgain(index: string): string {
	return `then record again with this index, and learn with \`${shell`--index ${index}`}\`: the rules then name the signers too`;
}

function unsignedText({ directory, files }: SigningGroup): string {
	return `${count(files.length, "file")} below ${quote(directory)} ${files.length === 1 ? "is" : "are"} not signed`;
}

function stepText({ what, command }: Step): string {
	return command === undefined ? what : `${what}: \`${command}\``;
}
