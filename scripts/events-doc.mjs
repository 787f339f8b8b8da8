/**
 * Writes docs/reference/events.md from the table in packages/verifier/src/audit/events.ts. With `--check`, writes nothing, and
 * fails if the file is stale. Events come from the built table. The groups come from the comments between its lines.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { COMMON_FIELDS, EVENTS, OBSERVED } from "../packages/verifier/dist/audit/events.js";

const target = fileURLToPath(new URL("../docs/reference/events.md", import.meta.url));
const source = readFileSync(new URL("../packages/verifier/src/audit/events.ts", import.meta.url), "utf8");
const text = document(groupsOf(source));

if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
	console.error(
		"docs/reference/events.md is older than packages/verifier/src/audit/events.ts: run `pnpm docs:events` and commit it",
	);
	process.exitCode = 1;
}

/** Maps each group name to its events, in the order of the source. */
function groupsOf(typescript) {
	const groups = new Map();
	let names = [];
	for (const [, group, name] of typescript.matchAll(/^\t(?:\/\/ (.+)|"([a-z_.<>]+)": \{)/gm)) {
		if (name !== undefined) names.push(name);
		else {
			names = [];
			groups.set(group, names);
		}
	}
	const found = [...groups.values()].flat();
	if (found.join() !== Object.keys(EVENTS).join()) throw new Error("Cannot read the groups of events.ts");
	return groups;
}

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
