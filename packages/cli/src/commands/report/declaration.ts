import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { judgementOptions, signerOptions } from "../../options/options.js";

export const REPORT: CommandDeclaration = {
	name: "report",
	description: "write one HTML page about catalogs, trust indexes and events, for people who decide",
	declare(command) {
		judgementOptions(
			command.argument(
				"<path...>",
				"catalogs (with their trees), signed directories, trust indexes (.sigx), and files of events (JSON Lines)",
			),
		)
			.requiredOption("-o, --output <file>", "file for the page")
			.option("--root <dir>", "directory that the signed paths are relative to (default: the catalog's directory)")
			.option("--signature-only", "compare no files, only verify signatures")
			.option("--title <text>", "heading of the page");
		signerOptions(command);
		examples(
			command,
			[
				"sigtool report ./lib/lib.cat -o report.html",
				"sigtool report ./lib --trust ca.crt -o report.html",
				"sigtool report app.sigx /var/log/sigtool/audit.jsonl -o report.html",
			],
			ABOUT_REPORTS,
		);
		return async () => (await import("./report.js")).report;
	},
};

const ABOUT_REPORTS = `
The page is one file that loads nothing and sends nothing. It is written whatever it says: the exit status is then that
of \`verify\` for the catalogs and the indexes, and events do not change it.
`;
