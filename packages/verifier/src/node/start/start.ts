/**
 * Starts enforcement in a process before the first file of the program is read. First it reads the launcher's record,
 * the index and the host configuration. Then it checks that neither environment variables nor options of Node.js let
 * code run past the hook. Then it installs the hook.
 */

import module from "node:module";
import { join } from "node:path";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import {
	COMMAND,
	DESCRIPTORS,
	MAX_TRUST_INDEX_BYTES,
	nativePart,
	quote,
	readBounded,
} from "@sigtool/core/internal/read";
import { type Mode, SigtoolError } from "@sigtool/core/read";
import { createAudit } from "../../audit/audit.js";
import { collectorSink } from "../../audit/collector-sink.js";
import { jsonLinesSink } from "../../audit/events-file.js";
import { type HostConfiguration, readHostConfiguration } from "../../host/config.js";
import { createMonitor, newProcessState, type ProcessState } from "../../monitor/create-monitor.js";
import { noDenials } from "../../monitor/deny-list.js";
import { loadKernelAddon } from "../../monitor/kernel-addon.js";
import type { KernelAddon } from "../../monitor/kernel-check.js";
import type { Monitor } from "../../monitor/monitor.js";
import { refusalFacts } from "../../monitor/start-facts.js";
import { define } from "../../safe/captured.js";
import { closeSync, exitNow } from "../../safe/primordials.js";
import { installGuards } from "../guards/guards.js";
import { compileByGate } from "../guards/wasm-guard.js";
import { startLoaderThread } from "../legacy/esm.js";
import { legacyLoading, loadingOfHooks } from "../legacy/loading.js";
import { allowHooksOfProgram, HOOKS_OF_PROGRAM } from "../load/hooks-of-program.js";
import { guardLinks } from "../load/links.js";
import { type Loading, syncLoading } from "../load/loading.js";
import { explainMissingModules } from "../load/missing-module.js";
import { guardModuleText } from "../load/module-text.js";
import { createPackageScopes } from "../load/package-scope.js";
import { createTypeRemover, serveTypeRemoval } from "../load/remove-types.js";
import { capabilitiesOf, type Runtime } from "./capabilities.js";
import { findImpurity, withoutLaunchersArguments } from "./environment.js";
import { bytesOf, type IndexMemory } from "./index-memory.js";
import { digestOfTrust, passToThreads, takeInheritance } from "./inheritance-word.js";
import { type LaunchRecord, takeLaunch } from "./launch-record.js";
import { publishHook } from "./live-hook.js";
import { nameRefusedStrings } from "./refused-strings.js";
import { guardWorkers, type PinnedFile, passOnUnguarded } from "./workers.js";

/** The one place that distinguishes releases of Node.js. */
const LOADING: Loading = "registerHooks" in module ? syncLoading : legacyLoading;

/** All data from which a thread decides. It can be cloned, because workers get a copy. */
export interface Inheritance {
	readonly index: IndexMemory;
	readonly configuration: HostConfiguration;
	/** The launcher's mode. It makes the configuration's mode stricter, never weaker. */
	readonly mode: Mode | undefined;
	readonly development: "refuse" | "allow";
	readonly launched: boolean;
	/** The file of events that the launcher lets the process write to. */
	readonly launchedAudit: string | undefined;
	/** The same file, if a collector writes to it instead. */
	readonly collected: string | undefined;
	/**
	 * The real path of each product's root, by the path that names the root. A worker gets those of its parent, because
	 * links may lead to another release by then.
	 */
	readonly roots: Map<string, string>;
	/** The directories below which the launcher lets the program write. */
	readonly writable: readonly string[];
	/**
	 * The path of the native addon. The addon is trusted like the hook: either the launcher pins both files, or the addon
	 * is installed beside the hook, or in a `node_modules` above it. No variable of the environment leads elsewhere.
	 */
	readonly addon: string | undefined;
	/** The files that a new worker loads before its hook can judge anything, as this process loaded them. */
	readonly pinned: readonly PinnedFile[];
	/** The absolute path of the script, if the launcher told it. */
	readonly script: string | undefined;
	readonly state: ProcessState;
	/**
	 * A thread with the role `loader` answers the imports of another thread. On Node.js ≥ 22.15 it runs the hooks of the
	 * program, on Node.js 20 no code of the program. One with the role `hooks of the program`, which mode audit alone lets
	 * Node.js start, is not watched.
	 */
	readonly role: "program" | "loader" | typeof HOOKS_OF_PROGRAM;
}

/** The thread removes the types of TypeScript for another thread, and judges nothing. */
interface TypesInheritance {
	readonly role: "types";
	readonly addon: string | undefined;
	readonly memory: SharedArrayBuffer;
}

/**
 * Installs the hook. After it returns, only code that the index signs is loaded.
 * @throws ERR_START, ERR_LAUNCH_RECORD, ERR_HOST_CONFIG, and what verifying an index throws
 */
export function start(development: "refuse" | "allow"): void {
	const inheritance = isMainThread ? inheritanceOfProcess(development) : inheritanceOfThread();
	if (inheritance.role === HOOKS_OF_PROGRAM) return;
	const addon = loadKernelAddon(inheritance.addon);
	exit = addon?.exitProcess ?? exit;
	const runtime: Runtime = {
		loading: LOADING,
		launched: inheritance.launched,
		refusesStrings: process.execArgv.includes("--disallow-code-generation-from-strings"),
		nativeGate: addon?.gateLacks?.(),
	};
	const capabilities = capabilitiesOf(runtime);
	const { index } = inheritance;
	let monitor: Monitor;
	try {
		monitor = createMonitor({
			...inheritance,
			index: bytesOf(index, addon),
			digests: index.digests,
			addon,
			onRefusal: inheritance.configuration.onRefusal ?? "exit",
			tier: LOADING.tier,
			missing: capabilities.filter(({ enforced }) => !enforced).map(({ name }) => name),
		});
	} catch (error) {
		throw withAdvice(error, inheritance);
	}
	if (monitor.mode === "off") {
		passOnUnguarded(inheritance);
		return;
	}
	if (monitor.mode === "strict" && inheritance.launched && runtime.nativeGate !== "")
		throw lacksGate(runtime.nativeGate);
	if (monitor.policy.runtime.stringCode === "signed" && monitor.mode !== "audit" && runtime.nativeGate !== "")
		throw new SigtoolError(
			"ERR_START",
			`Cannot start: "stringCode": "signed" needs the native gate, so start with \`${COMMAND} run\``,
		);
	if (isMainThread) checkProcess(monitor, runtime);
	if (inheritance.role === "loader" && LOADING === legacyLoading)
		LOADING.serveImports(monitor, createPackageScopes(monitor));
	else install(monitor, withDigests(inheritance, monitor), runtime.nativeGate === "" ? addon?.compileWasm : undefined);
	// A child of a program that is only watched starts as in plain Node.js, without a hook that would miss the launcher.
	if (monitor.mode === "audit" && inheritance.launched)
		define(process, "execArgv", withoutLaunchersArguments(process.execArgv), true);
	if (monitor.policy.runtime.stringCode === "refuse" && runtime.refusesStrings && runtime.nativeGate !== "")
		nameRefusedStrings(monitor.mode);
	publishHook({ capabilities: { tier: LOADING.tier, capabilities }, addAuditHook: monitor.audit.addHook });
}

/** After `audit.jsonLines` changed, the launcher still allows the former file alone. */
function withAdvice(error: unknown, { launchedAudit, launched, configuration }: Inheritance): unknown {
	const isSink = error instanceof SigtoolError && error.code === "ERR_AUDIT_SINK";
	if (!isSink || !launched || launchedAudit === configuration.audit.jsonLines) return error;
	const allowed = launchedAudit === undefined ? "no file of events" : `${quote(launchedAudit)} alone`;
	const message = `${error.message}; if the launcher keeps it away, which allows ${allowed}, run \`${COMMAND} launcher install\` again`;
	const { path, cause } = error;
	return new SigtoolError(error.code, message, { cause, ...(path !== undefined && { path }) });
}

/** `reason` is what the gate lacks in this build of Node.js. It is undefined if the launcher has loaded no gate. */
function lacksGate(reason: string | undefined): SigtoolError {
	const why = reason === undefined ? "launcher.conf names none" : `it does not know this build of Node.js: ${reason}`;
	const mend =
		reason === undefined
			? `\`${COMMAND} doctor\` says what is missing; then run \`${COMMAND} launcher install\` again`
			: "use a release of nodejs.org, or mode enforce";
	return new SigtoolError("ERR_START", `Cannot enforce strictly: there is no native gate (${why}); ${mend}`);
}

/** Other threads need not digest again what this thread has digested, because nobody can write to a kept index. */
function withDigests(inheritance: Inheritance, { digests }: Monitor): Inheritance {
	const { index } = inheritance;
	return index.content === "kept" ? { ...inheritance, index: { ...index, digests } } : inheritance;
}

/** Ends the process after a failed start. In a worker without the addon it can end only the thread. */
export function exitProcess(status: number): never {
	return exit(status);
}
let exit = exitNow;

function install(monitor: Monitor, inheritance: Inheritance, compileWasm: KernelAddon["compileWasm"]): void {
	const loading = inheritance.role === "loader" ? loadingOfHooks : LOADING;
	const asLoader = (start: () => void) => passToThreads({ ...inheritance, role: "loader" }, start);
	loading.prepare(monitor, asLoader);
	// The hooks of a program run in that thread too. It starts before the program could change how.
	const hasHooks = monitor.mode !== "audit" && monitor.policy.runtime.moduleHooks === "signed";
	if (loading === syncLoading && hasHooks) asLoader(startLoaderThread);
	const scopes = createPackageScopes(monitor);
	const runs = inheritance.role === "loader" ? "hooks" : "script";
	const forWorkers: Inheritance = { ...inheritance, role: "program" };
	const startThread = guardWorkers(monitor, forWorkers, LOADING.options, runs);
	const { addon } = inheritance;
	const typesDigest = digestOfTrust({ role: "types", addon });
	const removeTypes = createTypeRemover((memory) => {
		startThread([{ __proto__: null, role: "types", memory, addon }, typesDigest]);
	});
	const texts = guardModuleText(monitor, removeTypes);
	const guards = installGuards(monitor, inheritance.writable, loading.builtins, compileWasm);
	guardLinks(monitor);
	loading.install(monitor, scopes, texts, guards);
	explainMissingModules(monitor);
	// Every module can reach node:module as module.constructor, so it is guarded at once.
	guards.prepare("node:module");
	if (monitor.mode === "audit")
		allowHooksOfProgram((start) => passToThreads({ ...inheritance, role: HOOKS_OF_PROGRAM }, start));
}

function inheritanceOfProcess(development: "refuse" | "allow"): Inheritance {
	const launch = takeLaunch();
	if (launch !== undefined) {
		const { index, record } = launch;
		takeChannel(record);
		const configuration = configurationOf(record);
		const { mode, development, addon, script, write: writable } = record;
		const pinned = pinnedFiles(record);
		const roots = new Map(record.roots);
		return {
			index,
			configuration,
			mode,
			development,
			addon,
			pinned,
			script,
			roots,
			launched: true,
			launchedAudit: record.audit,
			collected: record.collects ? record.audit : undefined,
			writable,
			state: newProcessState(),
			role: "program",
		};
	}
	const configuration = readHostConfiguration({ development });
	if (configuration.index === undefined) {
		const message = `Cannot start: host configuration ${quote(configuration.file)} names no "index"; add the path of a trust index`;
		throw new SigtoolError("ERR_START", message, { path: configuration.file });
	}
	return {
		index: { content: readBounded(configuration.index, MAX_TRUST_INDEX_BYTES), digests: undefined },
		configuration,
		mode: undefined,
		development,
		launched: false,
		launchedAudit: undefined,
		collected: undefined,
		roots: new Map(),
		writable: [],
		addon: nativePart("addon.node", __filename, join(__dirname, "native")),
		pinned: [],
		script: undefined,
		state: newProcessState(),
		role: "program",
	};
}

/** @throws ERR_LAUNCH_RECORD if the collector that the launcher has started cannot be reached */
function takeChannel({ collects, addon }: LaunchRecord): void {
	if (!collects) return;
	if (loadKernelAddon(addon)?.openChannel?.() === true) {
		closeSync(DESCRIPTORS.answers); // The addon has mapped the page behind it.
		return;
	}
	throw new SigtoolError(
		"ERR_LAUNCH_RECORD",
		`Cannot use the launch record: the collector that it names cannot be reached; run \`${COMMAND} launcher install\` again`,
	);
}

/** Reads the host configuration. If it is refused, its own sinks are not known, but the launcher knows the file for events. */
function configurationOf(record: LaunchRecord): HostConfiguration {
	const { development, config, audit } = record;
	try {
		return readHostConfiguration({ development, file: config });
	} catch (error) {
		if (audit !== undefined) raiseRefusal(audit, error, record);
		throw error;
	}
}

function raiseRefusal(file: string, error: unknown, { addon, collects, script }: LaunchRecord): void {
	try {
		const send = collects ? loadKernelAddon(addon)?.sendEvents : undefined;
		const sink = send === undefined ? jsonLinesSink(file) : collectorSink(file, send);
		createAudit([sink]).raise("verifier.start", "refuse", refusalFacts(error, script));
	} catch {
		// The process ends with the first error, which standard error shows.
	}
}

function pinnedFiles({ hookSha256, addon, addonSha256 }: LaunchRecord): PinnedFile[] {
	const hook = { path: __filename, sha256: hookSha256 };
	return addon === undefined || addonSha256 === undefined ? [hook] : [hook, { path: addon, sha256: addonSha256 }];
}

/** @throws ERR_START in a thread that this hook did not start */
function inheritanceOfThread(): Inheritance {
	const inheritance = takeInheritance();
	if (inheritance === undefined)
		throw new SigtoolError("ERR_START", "Cannot start a thread that got no trust from its parent");
	// The type assertions are safe: the parent's guardWorkers() or passToThreads() has passed this value.
	const given = inheritance as Inheritance | TypesInheritance;
	if (given.role === "types") {
		const addon = loadKernelAddon(given.addon);
		if (addon?.gateLacks?.() === "" && addon.compileWasm !== undefined) compileByGate(addon.compileWasm);
		serveTypeRemoval(given.memory);
	}
	const { state, ...rest } = given as Inheritance;
	return { ...rest, state: { ...state, denials: Object.assign(noDenials(), state.denials) } };
}

function checkProcess(monitor: Monitor, { refusesStrings }: Runtime): void {
	const impurity = findImpurity({ strings: monitor.policy.runtime.stringCode === "refuse" && !refusesStrings });
	if (impurity === undefined) return;
	const { kind, name, why } = impurity;
	const detail = { [kind === "variable" ? "variable" : "argument"]: name };
	const message = `Cannot start: ${why}, or start with \`${COMMAND} run\``;
	monitor.rule("cmdline.refused", detail, "refuse", new SigtoolError("ERR_START", message));
}
