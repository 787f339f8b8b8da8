/**
 * Hooks `import` on Node.js before 22.15. The hook runs in a separate thread, which runs no code of the program. That
 * thread loads this bundle again, judges by the same index, and answers with the text of ES modules. CommonJS is loaded
 * by the thread that asks.
 */

import module from "node:module";
import workerThreads, { type MessagePort, type Worker } from "node:worker_threads";
import { SigtoolError } from "@sigtool/core/read";
import { pathOfFileUrl } from "../../monitor/file-url.js";
import type { Monitor } from "../../monitor/monitor.js";
import { rulingOnText } from "../../monitor/text-ruling.js";
import { apply, assign, defineProperty } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import { checkLinks, guardLinks } from "../load/links.js";
import type { PackageScopes } from "../load/package-scope.js";
import { bytesOf, sourceText, textForFormat, withoutByteOrderMark } from "../load/source-text.js";

interface LoadContext {
	readonly format: string | null | undefined;
}
interface LoadResult {
	readonly format: string | null | undefined;
	readonly source: string | Uint8Array | null;
	readonly shortCircuit?: boolean;
}
interface ResolveContext {
	readonly parentURL: string | undefined;
}
interface ResolveResult {
	readonly url: string;
}
type NextResolve = (specifier: string, context: ResolveContext) => Promise<ResolveResult>;
type NextLoad = (url: string, context: object) => Promise<LoadResult>;

const HANDOVER = Symbol.for("sigtool:loader");
/**
 * This URL contains the text of the loader's module, so Node.js reads no file for it. The module exports the functions
 * that `offerLoader` publishes.
 */
const LOADER = "data:text/javascript,export const{load,resolve}=globalThis[Symbol.for('sigtool:loader')]";

/**
 * Starts the hook's thread, which answers all imports from now on. Has to be called in the thread of the program.
 * Protects the objects and methods of Node.js that the answers pass through, because a program could replace them.
 * @throws ERR_START
 */
export function startLoaderThread(): void {
	keepThen();
	const { prototype } = workerThreads.Worker;
	const { unref } = prototype;
	let thread: Worker | undefined;
	prototype.unref = function (this: Worker) {
		// module.register() makes a Worker and calls its unref(). So `this` is the Worker of the hook's thread.
		thread = this;
		unref.call(this);
	};
	try {
		module.register(LOADER);
	} finally {
		prototype.unref = unref;
	}
	if (thread === undefined)
		throw new SigtoolError("ERR_START", "Cannot guard imports: the thread that loads them was not found");
	keepToItself(thread);
}

/**
 * Occupies `then` on Object.prototype. Node.js resolves a promise with each answer, and JavaScript then reads `then`
 * from the answer. A getter that a program defined on Object.prototype could change the source in the answer. A program
 * can still set `then` on every other object.
 */
function keepThen(): void {
	const prototype = Object.prototype;
	const settable = { __proto__: null, writable: true, enumerable: true, configurable: true };
	const then = {
		__proto__: null,
		get: () => undefined,
		set(this: object, value: unknown) {
			if (this === prototype) throw new TypeError("Cannot set Object.prototype.then while modules are verified");
			defineProperty(this, "then", assign({ __proto__: null, value }, settable) as PropertyDescriptor);
		},
	};
	defineProperty(prototype, "then", then as PropertyDescriptor);
}

/**
 * Makes Node.js send requests and answers only over the port that it uses now, by methods that a program cannot
 * replace.
 */
function keepToItself(thread: Worker): void {
	const { MessagePort, receiveMessageOnPort } = workerThreads;
	const { postMessage } = MessagePort.prototype;
	const key = Object.getOwnPropertySymbols(thread).find(({ description }) => description === "kPublicPort");
	// The type assertion is needed because the types do not describe the symbols of a Worker.
	const own = thread as unknown as Record<PropertyKey, unknown>;
	let port = key === undefined ? undefined : own[key];
	if (key === undefined || !(port instanceof MessagePort)) {
		throw new SigtoolError("ERR_START", "Cannot guard imports: the port to the thread that loads them was not found");
	}
	const close = () => {
		port = null; // Node.js sets the port to null after the thread has ended.
	};
	defineProperty(thread, key, { __proto__: null, get: () => port, set: close } as PropertyDescriptor);
	const fix = (name: string, value: unknown) =>
		defineProperty(thread, name, { __proto__: null, value } as PropertyDescriptor);
	fix("postMessage", (...args: unknown[]) => apply(postMessage, port, args));
	fix("receiveMessageSync", () => receiveMessageOnPort(port as MessagePort));
}

/** Publishes the hooks for `LOADER`. Has to be called in the hook's thread. */
export function offerLoader(monitor: Monitor, scopes: PackageScopes): void {
	guardLinks(monitor);

	async function resolve(specifier: string, context: ResolveContext, nextResolve: NextResolve): Promise<ResolveResult> {
		const result = await nextResolve(specifier, context);
		const file = pathOfFileUrl(result.url);
		if (file !== undefined) followAgain(specifier, context.parentURL, file);
		return result;
	}

	/**
	 * Checks links for an import, because the `realpathSync` that imports use cannot be replaced. A path is followed a
	 * second time. The name of a package is resolved a second time by `require`, whose links are checked. A link is not
	 * checked if only the condition "import" of a package leads to it.
	 */
	function followAgain(specifier: string, parent: string | undefined, file: string): void {
		if (/^(\.{0,2}\/|file:)/.test(specifier)) {
			const given = pathOfFileUrl(new URL(specifier, parent).href);
			if (given !== undefined) checkLinks(monitor, given, file);
		} else if (parent !== undefined && startsWith(parent, "file:")) {
			try {
				module.createRequire(parent).resolve(specifier);
			} catch {
				// A package without a condition "require" is not checked.
			}
		}
	}

	async function load(url: string, context: LoadContext, nextLoad: NextLoad): Promise<LoadResult> {
		if (startsWith(url, "node:")) {
			if (url === "node:repl") monitor.rule("code.string", { kind: "REPL" }, rulingOnText(monitor.policy));
			return nextLoad(url, context);
		}
		const { format: derived } = context;
		const file = pathOfFileUrl(url);
		if (file === undefined) {
			monitor.rule("code.string", { kind: startsWith(url, "data:") ? "data: URL" : "URL" }, "never");
			return nextLoad(url, context);
		}
		const format = derived === "json" ? derived : scopes.formatOf(file, derived);
		if (format === "commonjs") return { format, source: null, shortCircuit: true };
		const content = monitor.readCodeSync(file, format === "json" || format === "wasm" ? format : "module");
		if (format === "wasm") return { format, source: bytesOf(content), shortCircuit: true };
		const source = withoutByteOrderMark(sourceText(monitor, file, content));
		if (format !== undefined) return { format, source, shortCircuit: true };
		const own = { ...context, format, source: textForFormat(source) };
		const found = await nextLoad(scopes.urlForFormat(file, url), own);
		return { format: found.format, source: found.source, shortCircuit: true };
	}
	Object.defineProperty(globalThis, HANDOVER, { value: { load, resolve } });
}
