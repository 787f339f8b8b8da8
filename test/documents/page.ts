/** Reads the commands of a page of the documentation, in the order in which a reader meets them. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Step {
	/** The heading above the box. */
	readonly heading: string;
	/** Lines for a shell. A box of `sh` is one step, and each `$ ` in a box of `console` begins one. */
	readonly command: string;
	/** The lines that the page shows below the command, or undefined if it shows none. */
	readonly output: string | undefined;
}

/** The kinds of boxes that a page may have besides `sh` and `console`. Nobody types their content. */
const NOT_TYPED = ["mermaid", "json", "js", "conf", "powershell", ""];

/** @param page a path in the repository, such as `README.md` */
export function stepsOf(page: string): Step[] {
	const text = readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), "utf8");
	const steps: Step[] = [];
	let heading = "";
	for (const [, title, kind, box = ""] of text.matchAll(/^#+ (.*)$|^```(.*)\n([\s\S]*?)^```$/gm)) {
		if (title !== undefined) heading = title;
		else if (kind === "sh") steps.push({ heading, command: box, output: undefined });
		else if (kind === "console") steps.push(...stepsOfConsole(box).map((step) => ({ heading, ...step })));
		else if (!NOT_TYPED.includes(kind ?? "")) throw new Error(`${page} has a box of kind "${kind}"`);
	}
	return steps;
}

/** The first lines of a box without `$ ` are the output of the command before the box. */
function stepsOfConsole(box: string): { command: string; output: string }[] {
	return box
		.split(/^\$ /m)
		.filter((part) => part !== "")
		.map((part) => {
			const lines = part.trimEnd().split("\n");
			const after = lines.findIndex((line, index) => index > 0 && !line.startsWith("> "));
			const end = after === -1 ? lines.length : after;
			const command = lines.slice(0, end).map((line) => line.replace(/^> /, ""));
			return { command: `${command.join("\n")}\n`, output: lines.slice(end).join("\n") };
		});
}
