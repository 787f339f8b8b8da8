/**
 * What a process was started with that lets unsigned code in before or below the hook, where no hook can see it. Asked
 * once, at start, in the main thread.
 */

import process from "node:process";
import { quote } from "@sigtool/core/read";
import { indexOf, keysOf, slice, startsWith } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";

/** One reason why nothing can be enforced in this process. */
export interface Impurity {
	readonly kind: "variable" | "argument" | "setting";
	readonly name: string;
	/** One line: what is in the way, and how to mend it. */
	readonly why: string;
}

/** The first found; `undefined` when the process is clean. `strings`: code could be made from text that should not. */
export function findImpurity({ strings }: { readonly strings: boolean }): Impurity | undefined {
	const variable = keysOf(process.env).find(isDangerousVariable);
	if (variable !== undefined) {
		const why = `unsigned code could come in by the variable ${quote(variable)}; unset it`;
		return { kind: "variable", name: variable, why };
	}
	const argument = unexpectedArgument(process.execArgv);
	if (argument !== undefined) {
		const why = `unsigned code could come in by the option ${quote(argument)}; leave it out`;
		return { kind: "argument", name: argument, why };
	}
	if (strings) {
		const why = `the policy refuses code made from text, which takes the option ${NO_STRINGS}; add it`;
		return { kind: "setting", name: `no ${NO_STRINGS}`, why };
	}
	const setting = unexpectedSetting();
	if (setting === undefined) return undefined;
	return { kind: "setting", name: setting, why: `${setting} cannot be verified; name a signed script` };
}

const NO_STRINGS = "--disallow-code-generation-from-strings";

/** Read by Node.js, OpenSSL or the dynamic loader, and able to bring in code, or to have state written or read. */
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

/** One `--require`, which is the hook's own since it runs; else only what is known to be harmless. */
function unexpectedArgument(execArgv: readonly string[]): string | undefined {
	let preloads = 0;
	for (let i = 0; i < execArgv.length; i++) {
		const argument = execArgv[i] ?? "";
		const name = nameOf(argument);
		const isPreload = name === "--require" || name === "-r";
		if (isPreload) preloads++;
		if (isPreload ? preloads > 1 : !isHarmlessArgument(argument)) return argument;
		if (TAKE_VALUE[argument] === true) i++;
	}
	return undefined;
}

/** Their value may be the next argument, if they have none behind a "=". */
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

/** Whatever is not known to be so is not: new releases of Node.js bring new options. */
export function isHarmlessArgument(argument: string): boolean {
	return ARGUMENTS[nameOf(argument)] === true;
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

/** Code that is no file: there is only a path to a script, or nothing to enforce. */
function unexpectedSetting(): string | undefined {
	const script = process.argv[1];
	if ((process as { _eval?: string })._eval !== undefined) return "code on the command line";
	if (script === undefined || script === "-") return "a program from standard input";
	if (script === "inspect" || script === "debug") return "the debugger";
	return undefined;
}
