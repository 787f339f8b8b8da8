/** Types into real shells on terminals of their own, which script(1) makes, and reads what stands in the line then. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { hasProgram, spawn } from "../../../../../test/outside.js";
import { MAIN } from "../../support.js";

export type ShellName = "bash" | "zsh" | "fish";

export const SHELLS: readonly ShellName[] = ["bash", "zsh", "fish"];

export function hasShell(shell: ShellName): boolean {
	return process.platform === "linux" && hasProgram("script") && hasProgram(shell);
}

/** Control+G writes the line into the file $LINE, in one step. */
const CONTROL_G = "\x07";
const KILL_LINE = "\x15";
const INTERRUPT = "\x03";

/** How each shell starts, and what it reads first. `load` is what `sigtool completion --help` says. */
const STARTS = {
	bash: {
		command: "bash --norc --noprofile -i",
		load: "source <(sigtool completion bash)",
		before:
			"bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set enable-bracketed-paste off'",
		after: `keep() { printf %s "$READLINE_LINE" >"$LINE.new" && mv "$LINE.new" "$LINE"; }; bind -x '"\\C-g": keep'`,
	},
	zsh: {
		command: "zsh -f -i",
		load: "source <(sigtool completion zsh)",
		before: "autoload -Uz compinit; compinit -D; LISTMAX=10000; unsetopt prompt_cr",
		after: `keep() { print -rn -- "$BUFFER" >"$LINE.new" && mv "$LINE.new" "$LINE" }; zle -N keep; bindkey '^G' keep; bindkey '^U' kill-whole-line`,
	},
	fish: {
		command: "fish --no-config --private -i",
		load: "sigtool completion fish | source",
		before: "set -g fish_greeting; set -g fish_autosuggestion_enabled 0",
		after: `function keep; commandline >$LINE.new; and mv $LINE.new $LINE; end; bind \\cg keep; bind \\cu 'commandline ""'`,
	},
} as const satisfies Record<ShellName, Record<string, string>>;

/** A shell in which the completion was loaded, with sigtool and sigtree in its PATH. */
export class Shell {
	readonly #child;
	readonly #line: string;
	#shown = "";

	/**
	 * `home` is a directory for the shell's files; `cwd` is where it stands. A test that runs at the same time as others
	 * passes the function of its context as `atEnd`.
	 */
	constructor(
		shell: ShellName,
		home: string,
		cwd: string,
		env: Readonly<Record<string, string>> = {},
		atEnd: TestContext["onTestFinished"] = onTestFinished,
	) {
		const { command, before, load, after } = STARTS[shell];
		this.#line = join(home, `${shell}-line`);
		const path = [programs(home), process.env.PATH].join(delimiter);
		this.#child = spawn("script", ["-qec", command, "/dev/null"], {
			cwd,
			env: {
				...process.env,
				TERM: "dumb",
				HOME: home,
				HISTFILE: "/dev/null",
				XDG_CONFIG_HOME: join(home, "config"),
				LINE: this.#line,
				PATH: path,
				...env,
			},
		});
		this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
			this.#shown += text;
		});
		atEnd(() => void this.#child.kill("SIGKILL"));
		for (const line of [before, load, after]) this.type(`${line}\r`);
	}

	type(text: string): void {
		this.#child.stdin.write(text);
	}

	/** Types the text, presses tab, and returns what the line is then. */
	async completed(text: string): Promise<string> {
		this.type(KILL_LINE + text);
		// A shell may take a tab that comes with other text for text that was pasted.
		await new Promise((resolve) => setTimeout(resolve, 50));
		this.type("\t");
		return this.line();
	}

	/** Runs the text, and gives up what the shell takes for the beginning of more. */
	async ran(text: string): Promise<void> {
		this.type(`${KILL_LINE}${text}\r`);
		await new Promise((resolve) => setTimeout(resolve, 50));
		this.type(INTERRUPT);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}

	/** Returns what stands in the line. */
	async line(): Promise<string> {
		rmSync(this.#line, { force: true });
		this.type(CONTROL_G);
		for (let waited = 0; !existsSync(this.#line); waited += 20) {
			if (waited > 120_000) throw new Error(`The shell does not answer. It shows: ${JSON.stringify(this.#shown)}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		return readFileSync(this.#line, "utf8").replace(/\n$/, "");
	}

	/** Returns all that the terminal has shown. */
	shown(): string {
		return this.#shown;
	}
}

/** Returns a directory with programs of both names. */
export function programs(home: string): string {
	const folder = join(home, "bin");
	mkdirSync(folder, { recursive: true });
	for (const name of ["sigtool", "sigtree"])
		writeFileSync(join(folder, name), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
	return folder;
}

/** Writes a configuration of this user with these products. */
export function writeProducts(home: string, products: readonly string[]): void {
	mkdirSync(join(home, "config/sigtool"), { recursive: true });
	const document = { version: 1, pins: [], products: products.map((name, index) => ({ name, root: `/srv/${index}` })) };
	writeFileSync(join(home, "config/sigtool/verifier.json"), JSON.stringify(document));
}
