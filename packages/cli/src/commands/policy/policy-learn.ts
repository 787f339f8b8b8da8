import { parsePolicy } from "@sigtool/core";
import { COMMAND, quote } from "@sigtool/core/internal/errors";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { count } from "../../output/render.js";
import { type Learned, learnFrom } from "../../policy/learn.js";
import { indexIn } from "../../policy/policy-files.js";
import type { SigningGroup } from "../../policy/signing-groups.js";
import { writePolicy } from "./policy-init.js";

export interface PolicyLearnOptions extends OutputOptions {
	readonly index?: string;
	readonly output?: string;
	readonly owner?: string;
	readonly expires?: string;
	readonly force?: boolean;
}

/** Learns a policy from logs. Nothing is compiled or signed. @throws ERR_USAGE, ERR_POLICY, ERR_ROOT_MISSING, ERR_IO */
export async function policyLearn(logs: readonly string[], options: PolicyLearnOptions): Promise<Report> {
	const { index, output, owner, expires, force } = options;
	const learned = await learnFrom(logs, { index: index === undefined ? undefined : indexIn(index), owner, expires });
	if (learned.events === 0) throw usageError(`Cannot learn from ${logs.map(escaped).join(", ")}: no line is an event`);
	parsePolicy(learned.policy); // An owner or an end that no rule can have is refused before anything is written.
	if (output !== undefined) writePolicy(output, learned.policy, force);
	const { policy, unsigned, files, notes } = learned;
	const text = JSON.stringify(policy, null, "\t");
	return {
		exit: 0,
		fields: {
			policy,
			output,
			events: learned.events,
			otherLines: learned.otherLines,
			first: learned.first,
			last: learned.last,
			unsigned: unsigned.map(({ directory, way, files: names }) => {
				return { directory, way, files: names.map((path) => ({ path, sha256: files.get(path) })) };
			}),
		},
		data: output === undefined ? [text] : [],
		lines: output === undefined ? [] : [`wrote ${escaped(output)}, learned from ${count(learned.events, "event")}`],
		notes: [...notes.map(escaped), ...stepsFor(learned, output, index)],
	};
}

/** Returns what is left to do before the policy is enforced. */
function stepsFor({ unsigned }: Learned, output: string | undefined, index: string | undefined): string[] {
	const signing = unsigned.map(groupText);
	const policy = output === undefined ? "POLICY" : quote(output);
	const test = `then compile with --policy ${policy}, and try it: \`${COMMAND} policy test LOG --policy ${policy}${index === undefined ? "" : ` --index ${quote(index)}`}\``;
	return [...signing, test];
}

function groupText({ directory, way, files }: SigningGroup): string {
	const how =
		way === "sign"
			? `sign it: \`${COMMAND} sign ${quote(directory)}\``
			: `adopt it: \`${COMMAND} compile --adopt ${quote(directory)}\``;
	return `${count(files.length, "file")} below ${quote(directory)} ${files.length === 1 ? "is" : "are"} not signed; ${how}`;
}
