/**
 * Lets a program register hooks of its own, by which agents instrument what is loaded. Node.js runs those of
 * `module.register` in a thread, which loads this hook like every thread, and has to get trust. The code of hooks is code
 * like all other. What a hook answers is judged right before Node.js gets it: signed text passes, and `stringCode` of the
 * policy decides about other text. Mode audit judges no answer.
 */

import module from "node:module";
import { pathOfFileUrl } from "../../monitor/file-url.js";
import type { Monitor } from "../../monitor/monitor.js";
import { apply, copyOfBytes } from "../../safe/captured.js";
import { sha256, startsWith, utf8Of } from "../../safe/primordials.js";
import { replace } from "../../safe/replace.js";
import type { Guards } from "../guards/guards.js";
import { expectHook, expectRemoval } from "./hook-chain.js";
import type { ModuleText } from "./module-text.js";
import { sourceText } from "./source-text.js";

/** The role of the thread in which Node.js runs the program's hooks, in mode audit. */
export const HOOKS_OF_PROGRAM = "hooks of the program";

let areThere = false;
let areInThread = false;

/** Tells whether hooks of the program may change what is loaded. */
export function hasHooksOfProgram(): boolean {
	return areThere;
}

/** Tells whether a thread has hooks of the program, which Node.js asks about an import if the load hook asks it. */
export function hasThreadOfHooks(): boolean {
	return areInThread;
}

/** Notes that this thread runs hooks of the program. */
export function runHooksOfProgram(): void {
	areThere = true;
}

/** Lets a program register hooks that Node.js runs in a thread. `pass` starts that thread, and may give it trust. */
export function allowHooksOfProgram(pass: (start: () => unknown) => unknown): void {
	replace(
		module,
		"register",
		(original) =>
			function register(this: unknown, ...args: unknown[]): unknown {
				areThere = areInThread = true;
				return pass(() => apply(original, this, args));
			},
	);
}

/** An answer of a load hook. */
export interface Answer {
	readonly format?: unknown;
	readonly source?: unknown;
	readonly shortCircuit?: unknown;
}

export interface AnswerJudge {
	/** Returns a copy of the answer to a URL, of which each member was read once, and whose text may run. */
	judged(url: string, answer: Answer): Record<string, unknown>;
	/** Notes text that a hook gets, and may hand on as it is: it was judged with its path. */
	note(url: string, text: string): void;
}

export function createAnswerJudge(monitor: Monitor, texts: ModuleText, guards: Guards): AnswerJudge {
	let noted: { readonly url: string; readonly text: string } | undefined;

	function judged(url: string, { format, source, shortCircuit }: Answer): Record<string, unknown> {
		const own = { __proto__: null, format, source, shortCircuit } as unknown as Record<string, unknown>;
		// A hook may answer without asking the next one, so this is the place to prepare a built-in module.
		if (startsWith(url, "node:")) guards.prepare(url);
		if (format === "builtin") {
			// Node.js would look at the end of any URL for the name of a module that no guard knows.
			if (!startsWith(url, "node:")) monitor.rule("module.register", { kind: "format builtin", path: url }, "never");
			own.source = null;
			return own;
		}
		// Node.js loads these files itself, by functions that judge them. The guard of WebAssembly judges its bytes.
		if (format === "addon" || format === "wasm" || source === null || source === undefined) return own;
		const path = pathOfFileUrl(url) ?? url;
		const bytes = typeof source === "string" ? undefined : copyOfBytes(source);
		if (typeof source !== "string" && bytes === undefined) {
			// Node.js throws a TypeError for such a source.
			own.source = null;
			return own;
		}
		const text = sourceText(monitor, path, typeof source === "string" ? source : (bytes as Uint8Array));
		judgeText(url, path, text);
		const typeless = texts.withoutTypes(text, path, format);
		own.format = typeless.format;
		own.source = typeless.text;
		texts.handOut(path, typeless.text);
		return own;
	}

	function judgeText(url: string, path: string, text: string): void {
		if (noted?.url === url && noted.text === text) return;
		const exact = utf8Of(text);
		if (exact !== undefined && monitor.placeOfContent(sha256(exact)) !== undefined) return;
		texts.checkOwnText(text, path);
	}

	return {
		judged,
		note(url, text) {
			noted = { url, text };
		},
	};
}

type Load = (url: string, context: object, nextLoad: unknown) => unknown;

/** Lets a program register hooks whose answers are judged. */
export function admitHooksOfProgram(monitor: Monitor, judge: AnswerJudge, guards: Guards): void {
	allowHooksOfProgram((start) => start());
	replace(
		module,
		"registerHooks",
		(original) =>
			function registerHooks(given: { readonly resolve?: unknown; readonly load?: unknown }): unknown {
				const { resolve, load } = given;
				if (!expectHook()) monitor.rule("module.register", { kind: "prototype of hooks" }, "never");
				// A hook may hide from ours if it is an import that asks.
				guards.prepareImports();
				const judging = typeof load === "function" ? judgingLoad(load as Load) : load;
				const hooks = { __proto__: null, resolve, load: judging };
				areThere = true;
				const kept = apply(original, undefined, [hooks]) as { deregister(): void };
				const { deregister } = kept;
				// The program does not get the object itself, because its class makes hooks that nobody judges.
				return {
					deregister() {
						if (!expectRemoval()) monitor.rule("module.register", { kind: "species of arrays" }, "never");
						apply(deregister, kept, []);
					},
				};
			},
	);

	function judgingLoad(load: Load): Load {
		return (url, context, nextLoad) => {
			const answer = apply(load, undefined, [url, context, nextLoad]);
			// Node.js reads the members of functions too, and throws a TypeError for these two values.
			return answer === null || answer === undefined ? answer : judge.judged(url, answer as Answer);
		};
	}
}
