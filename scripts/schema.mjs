/**
 * Writes the tables in C and in the documentation that are generated from the tables in packages/core/src/trust/schema.ts,
 * packages/verifier/src/audit/verdicts.ts and packages/cli/src/configuration/members.ts. `--check` writes nothing, and fails
 * with the names of the files that are stale. `SIGTOOL_SCHEMA_ROOT` is a directory whose files are checked instead of this repository's.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIGURATION } from "../packages/cli/dist/configuration/members.js";
import * as schema from "../packages/core/dist/trust/schema.js";
import { constantsHeader, modeHeader, schemaHeader, schemaSource, verdictsHeader } from "./schema/c-tables.mjs";
import { keysTable, membersTable } from "./schema/document-tables.mjs";
import { CONFIGURATION_ORIGIN, ORIGIN } from "./schema/origin.mjs";

const root = process.env.SIGTOOL_SCHEMA_ROOT ?? fileURLToPath(new URL("..", import.meta.url));
const NATIVE = "packages/verifier/native/shared";
const PATH_NOTE = `
A path is absolute and has no \`.\`, no \`..\`, no \`/\` at its end and no control characters. A line of text has no control
characters and is not empty.
`;
const JSON_NOTE = `${PATH_NOTE}
The document is JSON in UTF-8 without a byte order mark. No object names a member twice, numbers are written in digits
alone, and no text holds U+0000 or half of a surrogate pair.
`;

const files = {
	[`${NATIVE}/settings/constants.h`]: constantsHeader(),
	[`${NATIVE}/settings/mode.h`]: modeHeader(),
	[`${NATIVE}/settings/schema.h`]: schemaHeader(),
	[`${NATIVE}/settings/schema.c`]: schemaSource(),
	[`${NATIVE}/events/verdicts.h`]: verdictsHeader(),
	...Object.fromEntries(
		[
			["docs/reference/policy.md", "policy", `${membersTable(schema.POLICY)}${JSON_NOTE}`],
			["docs/reference/verifier.md", "verifier.json", `${membersTable(schema.HOST)}${JSON_NOTE}`],
			["docs/reference/launcher.md", "launcher.conf", `${keysTable(schema.LAUNCHER)}${PATH_NOTE}`],
			["docs/reference/configuration.md", "sigtool.config.json", membersTable(CONFIGURATION), CONFIGURATION_ORIGIN],
		].map(([file, name, table, origin]) => [file, withTable(file, name, table, origin)]),
	),
};

const stale = Object.keys(files).filter((file) => {
	const path = join(root, file);
	return !existsSync(path) || readFileSync(path, "utf8") !== files[file];
});
if (!process.argv.includes("--check")) for (const file of stale) writeFileSync(join(root, file), files[file]);
else if (stale.length > 0) {
	const which = stale.join(", ");
	console.error(
		`older than trust/schema.ts, audit/verdicts.ts or configuration/members.ts: ${which}; run \`pnpm generate\` and commit the result`,
	);
	process.exitCode = 1;
}

/** Puts the table of a document's members into a page, between two comments of the page. Returns the page. */
function withTable(file, name, table, origin = ORIGIN) {
	const path = join(root, file);
	const [begin, end] = [`<!-- generated: ${name}. ${origin} -->\n`, `<!-- end of generated: ${name} -->`];
	const page = readFileSync(path, "utf8");
	const [from, to] = [page.indexOf(`<!-- generated: ${name}.`), page.indexOf(end)];
	if (from < 0 || to < from) throw new Error(`Cannot find the comments around the table ${name} in ${file}`);
	return `${page.slice(0, from)}${begin}\n${table}\n${page.slice(to)}`;
}
