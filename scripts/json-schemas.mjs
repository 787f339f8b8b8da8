/**
 * Writes the JSON Schemas that the packages ship: one for each document of --json in packages/cli/schemas, with
 * the page packages/cli/json.md about them, and those of the policy, the host configuration and a project's configuration beside the
 * package.json of the package that reads them.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIGURATION } from "../packages/cli/dist/configuration/members.js";
import { HOST, POLICY } from "../packages/core/dist/trust/schema.js";
import { mapLinks } from "./docs/markdown.mjs";
import { documentSchemas } from "./json/documents.mjs";
import { withDocuments } from "./json/page.mjs";
import { jsonSchemaOf } from "./schema/json-schema.mjs";
import { writeFolder, writeIfChanged } from "./write-folder.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = withDocuments(readFileSync(join(root, "docs/reference/json.md"), "utf8"));
// Files of the repository are not in the package.
const shipped = mapLinks(page, ({ written, words, target }) => (target.startsWith("#") ? written : words));
writeFolder(join(root, "packages/cli/schemas"), documentSchemas());
writeIfChanged(join(root, "packages/cli/json.md"), shipped);
for (const [file, title, shape, about] of [
	["core/policy.schema.json", "policy, version 1", POLICY, "docs/reference/policy.md"],
	["core/verifier.schema.json", "host configuration, version 1", HOST, "docs/reference/verifier.md"],
	["cli/sigtool.config.schema.json", "configuration of a project", CONFIGURATION, "docs/reference/configuration.md"],
])
	writeIfChanged(join(root, "packages", file), jsonSchemaOf(title, shape, about));
