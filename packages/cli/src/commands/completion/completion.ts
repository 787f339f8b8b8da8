import { readFileSync } from "node:fs";
import { singleFile } from "@sigtool/core/internal";
import type { OutputOptions, Report } from "../../output/output.js";

/** The files that scripts/command-line writes, by the names of their shells. */
const FILES = { bash: "sigtool.bash", zsh: "_sigtool", fish: "sigtool.fish", powershell: "sigtool.ps1" } as const;

export async function completion(shell: keyof typeof FILES, _options: OutputOptions): Promise<Report> {
	const script = scriptIn(FILES[shell]);
	return { exit: 0, fields: { shell, script }, data: [script.trimEnd()], lines: [] };
}

function scriptIn(file: string): string {
	const single = singleFile();
	if (single !== undefined) return single.text(`completion/${file}`);
	// The path is relative to the bundle, which is in dist/.
	return readFileSync(new URL(`./completion/${file}`, import.meta.url), "utf8");
}
