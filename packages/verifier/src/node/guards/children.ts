/**
 * Guards `node:child_process`, because another program loads code that nobody checks. Each start of a child process is
 * an event, and the policy allows or refuses it. A program that is refused gets what Node.js gives it where the system
 * lets it execute no program: EACCES, which programs expect and can handle.
 */

import { SigtoolError } from "@sigtool/core/read";
import type { EventDetail } from "../../audit/events.js";
import type { Monitor } from "../../monitor/monitor.js";
import { rulingOfChildren } from "../../monitor/policy-rules.js";
import { apply, assign, define, getOwnPropertyDescriptor, getPrototypeOf, toText } from "../../safe/captured.js";
import { forEachName, replace } from "../../safe/replace.js";
import { calledFrom, unshown } from "../../safe/thrown-error.js";

type ChildEvent = "child_process.spawn" | "child_process.spawn_sync";
type Caller = (...args: never[]) => unknown;

/** No system executes a directory: the answer is EACCES, also for root. */
const NO_PROGRAM = "/";

export function guardChildren(monitor: Monitor, childProcess: object): void {
	const ruling = rulingOfChildren(monitor.policy.runtime.children);

	/** Raises the event. Returns true if the policy refuses the child. Throws if an audit hook refuses it, or no sink takes it. */
	function isRefused(event: ChildEvent, detail: EventDetail<ChildEvent>, caller: Caller): boolean {
		try {
			monitor.rule(event, detail, ruling);
			return false;
		} catch (error) {
			if (error instanceof SigtoolError && error.code === "ERR_RUNTIME_RULE") return true;
			throw unshown(calledFrom(error, caller), "node-do-not-add-exception-line");
		}
	}

	// spawn, exec, execFile, fork, node:cluster and ChildProcess.prototype.spawn() all call the method of the handle. A
	// program can get the handle from a ChildProcess, so the method of the handle is guarded.
	const { ChildProcess } = childProcess as { ChildProcess: new () => object };
	replace(
		prototypeOfHandles(new ChildProcess()),
		"spawn",
		(original) =>
			function spawn(this: unknown, ...given: unknown[]): unknown {
				// Node.js 24 and later pass file and arguments one by one, earlier releases in one object.
				const isWhole = typeof given[0] === "object" && given[0] !== null;
				const whole = assign({ __proto__: null }, isWhole ? given[0] : undefined) as Record<string, unknown>;
				const { file, args } = isWhole ? whole : { file: given[0], args: given[1] };
				const detail = { file: toText(file), arguments: argumentsOf(args) };
				// The system makes all of the error: the handle cannot be made to look as after an attempt.
				if (isRefused("child_process.spawn", detail, spawn)) {
					whole.file = NO_PROGRAM;
					define(given, 0, isWhole ? whole : NO_PROGRAM, true);
				}
				return apply(original, this, given);
			},
	);

	const { spawnSync, execFileSync } = childProcess as Record<"spawnSync" | "execFileSync", Caller>;
	forEachName(["spawnSync", "execSync", "execFileSync"], (name) => {
		replace(
			childProcess,
			name,
			(original) =>
				function guarded(this: unknown, ...given: unknown[]): unknown {
					const isShell = name === "execSync";
					const detail = { file: toText(given[0]), arguments: argumentsOf(given[1]), shell: isShell };
					if (!isRefused("child_process.spawn_sync", detail, guarded)) return apply(original, this, given);
					const words = wordsOf(isShell, given);
					if (name === "spawnSync") {
						const result = apply(spawnSync, undefined, [NO_PROGRAM]) as { error: NodeJS.ErrnoException };
						result.error = namedAfter(words, result.error, guarded);
						return result;
					}
					throw unshown(namedAfter(words, failureOf(execFileSync), guarded), "node-do-not-add-exception-line");
				},
		);
	});
}

/** Returns the error that Node.js throws if the system may not execute a program. */
function failureOf(execFileSync: Caller): NodeJS.ErrnoException {
	try {
		apply(execFileSync, undefined, [NO_PROGRAM, [], { __proto__: null, stdio: "pipe" }]);
	} catch (error) {
		return error as NodeJS.ErrnoException;
	}
	throw new SigtoolError("ERR_INTERNAL", "Cannot go on: the system has executed a directory");
}

/** Copies an error about NO_PROGRAM to one about the program that was asked for, whose stack begins at the caller. */
function namedAfter(words: readonly string[], failure: NodeJS.ErrnoException, caller: Caller): Error {
	const [file = "", ...spawnargs] = words;
	const syscall = `spawnSync ${file}`;
	const error = new Error(`${syscall} ${failure.code}`);
	assign(error, failure, { syscall, path: file, spawnargs });
	// The error that execFileSync() throws is its own member `error`, too.
	if ("error" in failure) assign(error, { error });
	Error.captureStackTrace(error, caller);
	return error;
}

/** Returns the file that Node.js would execute, and the arguments that it would name. */
function wordsOf(isCommand: boolean, given: readonly unknown[]): readonly string[] {
	const list = isCommand ? undefined : given[1];
	const hasList = Array.isArray(list);
	const { shell } = ((hasList || list === null ? given[2] : given[1]) ?? {}) as { shell?: unknown };
	const words = [toText(given[0]), ...(hasList ? list.map(toText) : [])];
	if (!isCommand && !shell) return words;
	return [typeof shell === "string" ? shell : "/bin/sh", "-c", words.join(" ")];
}

/** A program could define an accessor for the handle on a prototype. So only the child's own member counts. */
function prototypeOfHandles(child: object): object {
	const handle: unknown = getOwnPropertyDescriptor(child, "_handle")?.value;
	if (typeof handle === "object" && handle !== null) return getPrototypeOf(handle);
	throw new SigtoolError(
		"ERR_START",
		"Cannot guard child processes: this release of Node.js starts them in an unknown way",
	);
}

function argumentsOf(args: unknown): string | undefined {
	return typeof args === "object" && args !== null && "length" in args ? toText(args) : undefined;
}
