/** Brings the given database up to date. A signed list names the migrations; the directory's listing is not used. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { createVerifier } from "@sigtool/verifier";

const directory = fileURLToPath(new URL("migrations", import.meta.url));
const verifier = createVerifier({ catalogs: [{ directory, product: "migrations" }], development: "allow" });
const read = (name) => Buffer.from(verifier.openCodeSync(join(directory, name))).toString();

// Every migration is verified before the first one runs.
const migrations = JSON.parse(read("list.json")).map((name) => ({ name, sql: read(name) }));

const database = new DatabaseSync(process.argv[2]);
database.exec("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)");
const isApplied = database.prepare("SELECT 1 FROM migrations WHERE name = ?");
const record = database.prepare("INSERT INTO migrations VALUES (?)");
for (const { name, sql } of migrations) {
	if (isApplied.get(name) !== undefined) continue;
	database.exec("BEGIN");
	database.exec(sql);
	record.run(name);
	database.exec("COMMIT");
	console.log(`applied ${name}`);
}
