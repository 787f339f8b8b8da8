import { spawn } from "node:child_process";
import { existsSync, realpathSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { isatty } from "node:tty";
import { configDirectory, makePrivateDirectory, parseTrustIndex } from "@sigtool/core/internal";
import { COMMAND, errnoReason, isPassing, quote, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { launcherCommand } from "../../launcher/launcher-command.js";
import { isThere, launcherIn } from "../../launcher/launcher-place.js";
import { newDirectoryIn, realTemporaryDirectory, temporaryPlace } from "../../launcher/temporary-place.js";
import { environmentWithoutSecrets } from "../../options/secret-variables.js";
import { usageError } from "../../options/usage.js";
import { fromIndexFile } from "../../output/index-file.js";
import { untilInterrupted } from "../../output/interruption.js";
import { printError, printFailure } from "../../output/output.js";
import { placePrivately, type Recording } from "./private-launcher.js";
import type { RunCommandOptions } from "./run-options.js";

/**
 * Runs a program, and ends this process as the program ended: with its exit status, or by its signal. If code is
 * refused, before or after the start, ends with exit status 126 and a line that begins with "Cannot run". If a fault
 * that may pass kept the code from being judged, ends with 75. A program that itself ends with 126 or 75 is treated in
 * the same way.
 */
export async function run(script: string, args: readonly string[], options: RunCommandOptions): Promise<never> {
	let ending: Ending;
	try {
		ending = await start(script, args, options);
	} catch (error) {
		const status = statusOf(error);
		if (status === undefined || !(error instanceof SigtoolError)) throw error;
		process.exit(printFailure("run", cannotRun(script, error), options, status));
	}
	const { status } = ending;
	if (status !== REFUSED && status !== UNDECIDED) return endAs(ending);
	const { code, meaning } = ENDINGS[status];
	const message = `Cannot run ${quote(script)}: it ended with ${status}, which means that ${meaning}; see above`;
	// Standard output belongs to the program, so not even --json prints a document there.
	process.exit(printFailure("run", new SigtoolError(code, message, { path: script }), {}, status));
}

/** The exit status with which the launcher and the runtimes end after a refusal. */
const REFUSED = 126;
/** The exit status of the launcher and of the runtimes if a fault that may pass kept them from judging. */
const UNDECIDED = 75;

const ENDINGS = {
	[REFUSED]: { code: "ERR_UNTRUSTED_CODE", meaning: "the start or code was refused" },
	[UNDECIDED]: {
		code: "ERR_UNDECIDED",
		meaning: "nothing could be judged now: run it again when the fault has passed",
	},
} as const;

/** Returns the exit status for an error before the start. Undefined stands for the usual status of its code. */
function statusOf(error: unknown): typeof REFUSED | typeof UNDECIDED | undefined {
	if (!(error instanceof SigtoolError) || (error.exitStatus !== 1 && error.code !== "ERR_LAUNCHER")) return undefined;
	if (isPassing(error)) return UNDECIDED;
	return error.exitStatus === 1 ? REFUSED : undefined;
}

/** Turns an error of verification or compilation into one whose message begins with "Cannot run". */
function cannotRun(script: string, { code, message, path, cause }: SigtoolError): SigtoolError {
	const reason = message.replace(/^Cannot \w+( "(?:[^"\\]|\\.)*")?: /, "");
	return new SigtoolError(code, `Cannot run ${quote(script)}: ${reason}`, {
		cause,
		...(path !== undefined && { path }),
	});
}

/**
 * Starts the program with the installed launcher or, with --allow-development, with a launcher that is made for this
 * run. With `recording` the run only records. Returns how the program ended.
 * @throws ERR_USAGE, ERR_LAUNCHER, and the errors of `placePrivately`
 */
export async function start(
	script: string,
	args: readonly string[],
	options: RunCommandOptions,
	recording?: Recording,
): Promise<Ending> {
	const {
		index,
		catalog,
		mode,
		write = [],
		envClear,
		allowDevelopment,
		prefix,
		python,
		module,
		spython,
		node,
	} = options;
	const argv = [
		...(allowDevelopment === true ? ["--allow-development"] : []),
		...(mode === undefined ? [] : ["--mode", mode]),
		...write.flatMap((directory) => ["--write", directory]),
		...(envClear === true ? ["--env-clear"] : []),
		...(python === true ? ["--python"] : []),
		...[module === true ? "-m" : "--", script, ...args],
	];
	if (allowDevelopment === true) {
		const directory = newDirectoryIn(placeBeside([...write, ...grantedBy(index)]), "sigtool-run-");
		try {
			await untilInterrupted(async (signal) => {
				await placePrivately(directory, script, options, signal, recording);
				signal.throwIfAborted();
			});
			return await launch(launcherIn(directory), argv);
		} finally {
			removeLaunched(directory);
		}
	}
	if ((index ?? catalog ?? spython ?? node) !== undefined) {
		throw usageError(
			"Give --index, --catalog, --node and --spython with --allow-development alone: the installed launcher has its own",
		);
	}
	const launcher = launcherIn(resolve(prefix));
	if (!isThere(launcher)) {
		const mend = args.includes("--allow-development")
			? `what follows the script belongs to the program; type \`${shell`${COMMAND} run --allow-development ${script}`}\``
			: `run \`${launcherCommand("install", prefix)}\`, or try it with --allow-development`;
		throw new SigtoolError("ERR_LAUNCHER", `Cannot find ${quote(launcher)}: ${mend}`, { path: launcher });
	}
	return launch(launcher, argv);
}

/** Removes the directory of a run. Does not throw, because that would hide how the run ended. */
function removeLaunched(directory: string): void {
	try {
		rmSync(directory, { recursive: true, force: true });
	} catch (cause) {
		printError(`warning: ${quote(directory)} is left and can be removed: ${errnoReason(cause)}`);
	}
}

/**
 * Returns the directory in which the launcher and the index are placed. It is the usual directory for temporary files,
 * unless the program may write there because it is below a granted directory. Then it is this user's configuration
 * directory, for which this is not checked.
 * @throws ERR_USAGE if another user could exchange the launcher
 */
function placeBeside(granted: readonly string[]): string {
	const usual = realTemporaryDirectory();
	if (!granted.some((each) => existsSync(each) && `${usual}/`.startsWith(`${realpathSync(each)}/`)))
		return temporaryPlace();
	makePrivateDirectory(configDirectory());
	return configDirectory();
}

/** Returns the directories that the policy of an index grants, or none if the index cannot be used, which the start tells. */
function grantedBy(index: string | undefined): readonly string[] {
	if (index === undefined) return [];
	try {
		return fromIndexFile(index, parseTrustIndex).policy.launch.write;
	} catch (error) {
		if (error instanceof SigtoolError) return [];
		throw error;
	}
}

export interface Ending {
	readonly status: number | null;
	readonly signal: NodeJS.Signals | null;
}

/**
 * Starts the launcher, and passes on to it the signals in PASSED_SIGNALS. SIGINT and SIGQUIT are not passed on if
 * standard input is a terminal: if the user types them, the terminal sends them to both processes. `process.stdin` is not
 * read, because Node.js would make a pipe there non-blocking, for the program too.
 */
function launch(launcher: string, argv: readonly string[]): Promise<Ending> {
	return new Promise((resolve, reject) => {
		const child = spawn(launcher, argv, { stdio: "inherit", env: environmentWithoutSecrets() });
		for (const signal of PASSED_SIGNALS) {
			const isTyped = isatty(STANDARD_INPUT) && (signal === "SIGINT" || signal === "SIGQUIT");
			process.on(signal, () => isTyped || child.kill(signal));
		}
		child.on("exit", (status, signal) => resolve({ status, signal }));
		child.on("error", (cause) => {
			const message = `Cannot start ${quote(launcher)}: ${cause.message}`;
			reject(new SigtoolError("ERR_LAUNCHER", message, { cause, path: launcher }));
		});
	});
}

const STANDARD_INPUT = 0;
const PASSED_SIGNALS = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGCONT"] as const;

export function endAs({ status, signal }: Ending): never {
	if (signal === null) process.exit(status ?? 1);
	for (const each of PASSED_SIGNALS) process.removeAllListeners(each);
	process.kill(process.pid, signal);
	process.exit(128); // This is reached only if this process ignores the signal.
}
