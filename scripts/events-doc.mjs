/**
 * Writes docs/reference/events.md from the table in packages/verifier/src/audit/events.ts. With `--check`, writes nothing, and
 * fails if the file is stale. Events come from the built table. The groups come from the comments between its lines.
 */

import { COMMON_FIELDS, EVENTS, OBSERVED } from "../packages/verifier/dist/audit/events.js";
import { groupsOf, writePage } from "./table-page.mjs";

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
- **\`verdict\`** is \`allow\`, \`refuse\` or \`audit\`. With \`audit\` the action went on, and enforcement would have refused it.
- **\`reason\`** is a code of [errors.md](errors.md).
- **\`count\`.** If a line of a sink has \`count\`, it stands for that many refusals. They are equal, except for the time
  ([verifier.md](verifier.md#which-events-a-sink-gets)).
- **Frequent events** are ${code(Object.keys(OBSERVED))}. Hooks and the diagnostics channel get all of them. Sinks get
  only those that a hook refused.
- **Bypassable** events record actions of well-behaved code. Code that already runs could do the same without the event, through native code or
  an internal binding of Node.js. Code in the process cannot avoid the other events.

${sections.join("\n")}`;
}
