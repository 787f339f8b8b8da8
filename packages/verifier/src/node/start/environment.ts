/**
 * Finds environment variables, options and kinds of start by which unsigned code could run without the hook. The search
 * is made once, at start, in the main thread.
 */

import process from "node:process";
import { quote } from "@sigtool/core/internal/read";
import { indexOf, keysOf, slice, startsWith } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";

/** A reason why nothing can be enforced in this process. */
export interface Impurity {
	readonly kind: "variable" | "argument" | "setting";
	readonly name: string;
	/** One line that says what is wrong, and what to do about it. */
	readonly why: string;
}

/**
 * Returns the first reason why nothing can be enforced in this process, or undefined. `strings` is true if the policy
 * refuses code from text, but Node.js was started without --disallow-code-generation-from-strings.
 */
export function findImpurity({ strings }: { readonly strings: boolean }): Impurity | undefined {
	const variable = keysOf(process.env).find(isDangerousVariable);
	if (variable !== undefined) {
		const why = `unsigned code could run because of the environment variable ${quote(variable)}; unset it`;
		return { kind: "variable", name: variable, why };
	}
	const argument = unexpectedArgument(process.execArgv);
	if (argument !== undefined) {
		const why = `unsigned code could run because of the option ${quote(argument)}; leave it out`;
		return { kind: "argument", name: argument, why };
	}
	if (strings) {
		const why = `the policy refuses code from text, which needs the option ${NO_STRINGS}; add it`;
		return { kind: "setting", name: `no ${NO_STRINGS}`, why };
	}
	const setting = unexpectedSetting();
	if (setting === undefined) return undefined;
	return { kind: "setting", name: setting, why: `${setting} cannot be verified; name a signed script` };
}

const NO_STRINGS = "--disallow-code-generation-from-strings";

/** Recognises variables that make Node.js, OpenSSL or the dynamic loader load code, or read or write other state. */
export function isDangerousVariable(name: string): boolean {
	return startsWith(name, "LD_") || startsWith(name, "OPENSSL_") || VARIABLES[name] === true;
}
const VARIABLES = recordOf([
	"GCONV_PATH",
	"GLIBC_TUNABLES",
	"NODE_COMPILE_CACHE",
	"NODE_COMPILE_CACHE_PORTABLE",
	"NODE_ICU_DATA",
	"NODE_OPTIONS",
	"NODE_PATH",
	"NODE_PRESERVE_SYMLINKS",
	"NODE_PRESERVE_SYMLINKS_MAIN",
	"NODE_REDIRECT_WARNINGS",
	"NODE_REPL_EXTERNAL_MODULE",
	"NODE_TEST_CONTEXT",
	"NODE_V8_COVERAGE",
	"SSL_CERT_ENGINE",
]);

/**
 * Returns the first option that is not allowed, or undefined. Allowed are harmless options and one `--require`: as the
 * hook runs, this must be the one that loaded it.
 */
function unexpectedArgument(execArgv: readonly string[]): string | undefined {
	let preloads = 0;
	for (let i = 0; i < execArgv.length; i++) {
		const argument = execArgv[i] ?? "";
		const name = nameOf(argument);
		const isPreload = name === "--require" || name === "-r";
		if (isPreload) preloads++;
		if (isPreload ? preloads > 1 : !isHarmlessArgument(argument)) return argument;
		if (takesValue(argument)) i++;
	}
	return undefined;
}

/** Returns the options that the program was given, without those of the launcher in mode audit. */
export function withoutLaunchersArguments(execArgv: readonly string[]): string[] {
	const preload = execArgv.indexOf("--require");
	return execArgv.filter((argument, at) => {
		const isPreload = preload !== -1 && (at === preload || at === preload + 1);
		return !isPreload && !LAUNCHERS.includes(argument);
	});
}
const LAUNCHERS: readonly string[] = ["--disable-sigusr1", "--no-experimental-require-module"];

/** Tells whether the next argument is the value of this option. */
export function takesValue(argument: string): boolean {
	return TAKE_VALUE[argument] === true;
}

/** The options whose value is the next argument, if they contain no "=". */
const TAKE_VALUE = recordOf([
	"--allow-fs-read",
	"--allow-fs-write",
	"--conditions",
	"-C",
	"--cpu-prof-dir",
	"--cpu-prof-interval",
	"--cpu-prof-name",
	"--disable-warning",
	"--dns-result-order",
	"--max-http-header-size",
	"--require",
	"-r",
	"--secure-heap",
	"--stack-trace-limit",
	"--title",
	"--unhandled-rejections",
]);

/**
 * Recognises the options on a fixed list. Any other option counts as harmful, because a new release of Node.js
 * may add options.
 */
export function isHarmlessArgument(argument: string): boolean {
	return ARGUMENTS[nameOf(argument)] === true;
}

/** Recognises the harmless options that a thread has for itself. The others concern the process, and no worker takes them. */
export function isInheritedArgument(argument: string): boolean {
	return INHERITED[nameOf(argument)] === true;
}

function nameOf(argument: string): string {
	const equals = indexOf(argument, "=");
	return equals === -1 ? argument : slice(argument, 0, equals);
}

const ARGUMENTS = recordOf([
	"--conditions",
	"-C",
	"--abort-on-uncaught-exception",
	"--allow-addons",
	"--allow-child-process",
	"--allow-fs-read",
	"--allow-fs-write",
	"--allow-net",
	"--allow-wasi",
	"--allow-worker",
	"--cpu-prof",
	"--cpu-prof-dir",
	"--cpu-prof-interval",
	"--cpu-prof-name",
	"--disable-proto",
	"--disable-sigusr1",
	"--disable-warning",
	NO_STRINGS,
	"--dns-result-order",
	"--enable-source-maps",
	"--experimental-permission",
	"--experimental-strip-types",
	"--expose-gc",
	"--expose_gc",
	"--force-fips",
	"--enable-fips",
	"--frozen-intrinsics",
	"--jitless",
	"--max-http-header-size",
	"--max-old-space-size",
	"--max-old-space-size-percentage",
	"--max-semi-space-size",
	"--no-addons",
	"--no-deprecation",
	"--no-experimental-detect-module",
	"--no-experimental-require-module",
	"--no-experimental-strip-types",
	"--no-network-family-autoselection",
	"--no-require-module",
	"--no-strip-types",
	"--no-warnings",
	"--pending-deprecation",
	"--permission",
	"--secure-heap",
	"--stack-size",
	"--stack-trace-limit",
	"--strip-types",
	"--throw-deprecation",
	"--title",
	"--tls-max-v1.2",
	"--tls-max-v1.3",
	"--tls-min-v1.2",
	"--tls-min-v1.3",
	"--trace-deprecation",
	"--trace-exit",
	"--trace-uncaught",
	"--trace-warnings",
	"--unhandled-rejections",
	"--use-bundled-ca",
	"--use-openssl-ca",
	"--use-system-ca",
	"--v8-pool-size",
	"--zero-fill-buffers",
]);

const INHERITED = recordOf([
	"--conditions",
	"-C",
	"--allow-addons",
	"--allow-child-process",
	"--allow-fs-read",
	"--allow-fs-write",
	"--allow-net",
	"--allow-wasi",
	"--allow-worker",
	"--disable-warning",
	"--dns-result-order",
	"--enable-source-maps",
	"--experimental-permission",
	"--experimental-strip-types",
	"--frozen-intrinsics",
	"--max-http-header-size",
	"--no-addons",
	"--no-deprecation",
	"--no-experimental-detect-module",
	"--no-experimental-require-module",
	"--no-experimental-strip-types",
	"--no-network-family-autoselection",
	"--no-warnings",
	"--pending-deprecation",
	"--permission",
	"--throw-deprecation",
	"--tls-max-v1.2",
	"--tls-max-v1.3",
	"--tls-min-v1.2",
	"--tls-min-v1.3",
	"--trace-deprecation",
	"--trace-exit",
	"--trace-uncaught",
	"--trace-warnings",
	"--unhandled-rejections",
]);

/** Recognises starts whose code comes from no file: `-e`, standard input, the debugger. Only a file can be verified. */
function unexpectedSetting(): string | undefined {
	const script = process.argv[1];
	if ((process as { _eval?: string })._eval !== undefined) return "code on the command line";
	if (script === undefined || script === "-") return "a program from standard input";
	if (script === "inspect" || script === "debug") return "the debugger";
	return undefined;
}
