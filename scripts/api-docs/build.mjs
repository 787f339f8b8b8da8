/**
 * Writes the reference of the libraries as HTML to the folder docs-api, from the declarations that `tsc -b` has written.
 * With `--check`, writes nothing. Both fail at a comment that is missing or has a broken link, and at a declaration that
 * `surface.mjs` complains of.
 */

import { fileURLToPath } from "node:url";
import { Application } from "typedoc";
import { COMPILER_OPTIONS, ENTRIES } from "./entries.mjs";
import { problemsOfSurface } from "./surface.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

const problems = problemsOfSurface();
for (const problem of problems) console.error(problem);
if (problems.length > 0 || !(await writeReference(process.argv.includes("--check")))) process.exitCode = 1;

async function writeReference(isCheck) {
	const app = await Application.bootstrap({
		name: "sigtool",
		entryPoints: ENTRIES.map(({ file }) => file),
		tsconfig: fileURLToPath(new URL("./tsconfig.json", import.meta.url)),
		compilerOptions: COMPILER_OPTIONS,
		readme: "none",
		// The declarations are no files of the repository, so there is nothing to link to.
		disableSources: true,
		excludeExternals: true,
		excludePrivate: true,
		treatWarningsAsErrors: true,
		treatValidationWarningsAsErrors: true,
		validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
		// Members explain themselves by their names, or have comments; `surface.mjs` asks for the units of numbers.
		requiredToBeDocumented: ["Accessor", "Class", "Function", "Interface", "Method", "TypeAlias", "Variable"],
		hideGenerator: true,
		logLevel: "Warn",
	});
	const project = await app.convert();
	if (project === undefined) return false;
	app.validate(project);
	if (app.logger.hasErrors() || app.logger.hasWarnings()) return false;
	if (isCheck) return true;
	await app.generateDocs(project, `${root}docs-api`);
	return !app.logger.hasErrors() && !app.logger.hasWarnings();
}
