/**
 * Runs programs one after the other in this process, because to start Node.js for each takes longer than they take. Each
 * gets a fresh copy of the world as its working directory and as its configuration.
 *
 * Usage: `node run-programs.mjs WORLD PROGRAM…`; prints a JSON list of what each program printed, or of its error.
 */

import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , world, ...programs] = process.argv;
const results = [];
const write = process.stdout.write.bind(process.stdout);
for (const program of programs) {
	const copy = `${program}.world`;
	cpSync(world, copy, { recursive: true });
	process.chdir(copy);
	process.env.XDG_CONFIG_HOME = join(copy, "config");
	let printed = "";
	process.stdout.write = (text) => {
		printed += text;
		return true;
	};
	try {
		await import(pathToFileURL(program).href);
		results.push({ printed });
	} catch (error) {
		results.push({ printed, error: error.stack });
	} finally {
		process.stdout.write = write;
		process.chdir(world);
		rmSync(copy, { recursive: true });
	}
}
write(JSON.stringify(results));
