/** Makes the environment and the options of Node.js for a worker. A program can add to both, but cannot weaken the hook. */

import { isAbsolute } from "node:path";
import process from "node:process";
import { assign, define, toText } from "../../safe/captured.js";
import { keysOf } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";
import { isDangerousVariable, isHarmlessArgument, isInheritedArgument, takesValue } from "./environment.js";

type Refuse = (reason: string) => void;

/** A program can put another object in the place of `process.env`, whose members change from one reading to the next. */
const OWN_ENVIRONMENT = process.env;

/**
 * Returns a copy, each of whose variables was read once. Dangerous variables of the program's own environment are left
 * out, because a file such as `.env` may have set them. Those that the program gives to the worker are refused.
 */
export function environmentForWorker(given: unknown, refuse: Refuse): object {
	const isGiven = typeof given === "object" && given !== null;
	const read = assign({ __proto__: null }, isGiven ? given : OWN_ENVIRONMENT) as Record<string, unknown>;
	const environment = { __proto__: null } as unknown as Record<string, unknown>;
	const names = keysOf(read);
	for (let i = 0; i < names.length; i++) {
		const name = names[i] ?? "";
		if (!isDangerousVariable(name)) define(environment, name, toText(read[name]), true);
		else if (isGiven) refuse(name);
	}
	return environment;
}

/**
 * Returns a function that makes the options for a worker: first those that the hook needs and those of this process that
 * concern threads, then those of the program, which must be harmless. `needed` names further options that a worker needs
 * if this process has them.
 */
export function createOwnArguments(needed: readonly string[], refuse: Refuse): (given: unknown) => string[] {
	const { execArgv } = process;
	const all = recordOf(execArgv);
	const own: string[] = ["--require", hookFile(execArgv)];
	for (let i = 0; i < execArgv.length; i++) {
		const argument = execArgv[i] ?? "";
		const isPassed = isInheritedArgument(argument) || needed.includes(argument);
		if (isPassed) own.push(argument);
		if (!takesValue(argument)) continue;
		i++;
		if (isPassed) own.push(execArgv[i] ?? "");
	}
	return (given) => {
		const result: string[] = [];
		let count = 0;
		const add = (value: string) => define(result, count++, value, true);
		for (let i = 0; i < own.length; i++) add(own[i] ?? "");
		const { length } = (given ?? []) as ArrayLike<unknown>;
		for (let i = 0; i < length; i++) {
			const argument = toText((given as ArrayLike<unknown>)[i]);
			if (all[argument] === true) continue;
			if (!isHarmlessArgument(argument)) refuse(argument);
			add(argument);
		}
		return result;
	};
}

/**
 * Returns the file that the option `--require` names. A relative path or a name depends on the working directory, which a
 * program can change, so the hook's own path is returned then.
 */
function hookFile(execArgv: readonly string[]): string {
	const preload = execArgv.findIndex((argument) => /^(-r|--require)(=|$)/.test(argument));
	const [, joined] = (execArgv[preload] ?? "").split(/=(.*)/s);
	const file = joined ?? execArgv[preload + 1] ?? "";
	return isAbsolute(file) ? file : __filename;
}
