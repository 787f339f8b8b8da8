/**
 * Writes docs/reference/events.md from the table in packages/verifier/src/audit/events.ts. With `--check`, writes nothing, and
 * fails if the file is stale. Events come from the built table. The groups come from the comments between its lines.
 */

import { COMMON_FIELDS, EVENTS, OBSERVED } from "../packages/verifier/dist/audit/events.js";
import { VERDICTS } from "../packages/verifier/dist/audit/verdicts.js";
import { groupsOf, writePage } from "./table-page.mjs";

/** The meaning of lines that were written before `record` was a verdict. */
const OLDER_LOGS = `Logs of releases without \`record\` have \`audit\` for it too. \`sigtool log\`, \`report\`, \`why\`, \`policy\` and the forwarder read an
\`audit\` as \`record\` if it can mean nothing else: in an event without a \`reason\`, or with ERR_RUNTIME_RULE, of a process that started in mode \`enforce\` or \`strict\`; for bytecode that
\`vm.compile\` drops; for a \`code.string\` without a \`reason\`, which only the native gate writes; and for an event of the verifier itself, unless a
start has a \`reason\`. An \`audit\` of text that a process in mode \`audit\` wrote, or one whose start is not in the log, stays \`audit\`: such a log does
not say if the policy only records text. \`sigtool policy test\` judges it by the policy.`;

const SOURCE = "packages/verifier/src/audit/events.ts";
const text = document(groupsOf(SOURCE, /^\t(?:\/\/ (.+)|"([a-z_.<>]+)": \{)/gm, EVENTS));
writePage("docs/reference/events.md", text, SOURCE, "docs:events");

function document(groups) {
	const code = (names) => names.map((name) => `\`${name}\``).join(", ");
	const sections = [...groups].map(([group, names]) => {
		const rows = names.map((name) => {
			const { fields, bypassable, meaning } = EVENTS[name];
			return `| \`${name}\` | ${meaning.replaceAll("|", "\\|")} | ${code(fields)} | ${bypassable ? "yes" : "no"} |`;
		});
		return `## ${group}\n\n| Event | Meaning | Fields | Bypassable |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
	});
	return `# Audit events

<!-- Generated from packages/verifier/src/audit/events.ts by \`pnpm docs:events\`. -->

For people who read the audit trail, and for programs that evaluate it. An event is raised after the decision and before the action.

- **Fields.** Every event has the fields ${code(COMMON_FIELDS)}, then its own. A field that has no value is absent. \`time\` is UTC.
- **\`verdict\`** has [one meaning each](#verdicts).
- **\`reason\`** is a code of [errors.md](errors.md).
- **\`count\`.** If a line of a sink has \`count\`, it stands for that many refusals. They are equal, except for the time
  ([verifier.md](verifier.md#which-events-a-sink-gets)).
- **Frequent events** are ${code(Object.keys(OBSERVED))}. Hooks and the diagnostics channel get all of them. Sinks get
  only those that a hook refused.
- **Bypassable** events record actions of well-behaved code. Code that already runs could do the same without the event, through native code or
  an internal binding of Node.js. Code in the process cannot avoid the other events.

## Verdicts

| \`verdict\` | in commands | meaning |
| --- | --- | --- |
${Object.entries(VERDICTS)
	.map(([verdict, { word, meaning }]) => `| \`${verdict}\` | ${word} | ${meaning} |`)
	.join("\n")}

${OLDER_LOGS}

${sections.join("\n")}`;
}
