/**
 * Node.js before 22.15, `import`: a hook in a thread of its own, which runs no code of the program. There this bundle is
 * preloaded again, decides by the same index, and answers with text; CommonJS it leaves to the thread that asks.
 */

import module from "node:module";
import workerThreads, { type MessagePort, type Worker } from "node:worker_threads";
import { SigtoolError } from "@sigtool/core/read";
import type { Gate } from "../../gate/gate.js";
import { apply, assign, defineProperty } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import { pathOfFileUrl } from "../load/file-url.js";
import { checkLinks, guardLinks } from "../load/links.js";
import type { PackageScopes } from "../load/package-scope.js";
import { bytesOf, sourceText, withoutByteOrderMark } from "../load/source-text.js";

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
/** Nothing to read from a disk: what it exports, the preloaded bundle has put there. */
const LOADER = "data:text/javascript,export const{load,resolve}=globalThis[Symbol.for('sigtool:loader')]";

/**
 * In the thread of the program: from here on imports are asked of the other one. Their answers pass objects and methods
 * that a program could get at, which is made impossible here. @throws ERR_START
 */
export function startLoaderThread(): void {
	keepThen();
	const { prototype } = workerThreads.Worker;
	const { unref } = prototype;
	let thread: Worker | undefined;
	prototype.unref = function (this: Worker) {
		thread = this; // Node.js calls it on what it has just made.
		unref.call(this);
	};
	try {
		module.register(LOADER);
	} finally {
		prototype.unref = unref;
	}
	if (thread === undefined)
		throw new SigtoolError("ERR_START", "Cannot guard imports: their thread is not to be found");
	keepToItself(thread);
}

/**
 * An answer becomes the value of a promise, which asks it for `then`: a getter of a program's own on Object.prototype could
 * change the source in it. What stands there instead lets objects get one of their own, as if it were not there.
 */
function keepThen(): void {
	const prototype = Object.prototype;
	const settable = { __proto__: null, writable: true, enumerable: true, configurable: true };
	const then = {
		__proto__: null,
		get: () => undefined,
		set(this: object, value: unknown) {
			if (this === prototype) throw new TypeError("Cannot give all objects a method named then");
			defineProperty(this, "then", assign({ __proto__: null, value }, settable) as PropertyDescriptor);
		},
	};
	defineProperty(prototype, "then", then as PropertyDescriptor);
}

/** What Node.js calls to ask, and to read answers, goes to the one port and by the methods that were there at the start. */
function keepToItself(thread: Worker): void {
	const { MessagePort, receiveMessageOnPort } = workerThreads;
	const { postMessage } = MessagePort.prototype;
	const key = Object.getOwnPropertySymbols(thread).find(({ description }) => description === "kPublicPort");
	const own = thread as unknown as Record<PropertyKey, unknown>; // Its symbols are in no type.
	let port = key === undefined ? undefined : own[key];
	if (key === undefined || !(port instanceof MessagePort)) {
		throw new SigtoolError("ERR_START", "Cannot guard imports: the port to their thread is not to be found");
	}
	const close = () => {
		port = null; // When the thread has ended, as Node.js has it.
	};
	defineProperty(thread, key, { __proto__: null, get: () => port, set: close } as PropertyDescriptor);
	const fix = (name: string, value: unknown) =>
		defineProperty(thread, name, { __proto__: null, value } as PropertyDescriptor);
	fix("postMessage", (...args: unknown[]) => apply(postMessage, port, args));
	fix("receiveMessageSync", () => receiveMessageOnPort(port as MessagePort));
}

/** In the hook's own thread. */
export function offerLoader(gate: Gate, scopes: PackageScopes): void {
	guardLinks(gate);

	async function resolve(specifier: string, context: ResolveContext, nextResolve: NextResolve): Promise<ResolveResult> {
		const result = await nextResolve(specifier, context);
		const file = pathOfFileUrl(result.url);
		if (file !== undefined) followAgain(specifier, context.parentURL, file);
		return result;
	}

	/**
	 * Node.js keeps its `realpathSync` for imports out of reach. A path is followed once more; by a package's name `require`
	 * goes the same way. Stays open: a link that only the "import" condition of a package leads to.
	 */
	function followAgain(specifier: string, parent: string | undefined, file: string): void {
		if (/^(\.{0,2}\/|file:)/.test(specifier)) {
			const given = pathOfFileUrl(new URL(specifier, parent).href);
			if (given !== undefined) checkLinks(gate, given, file);
		} else if (parent !== undefined && startsWith(parent, "file:")) {
			try {
				module.createRequire(parent).resolve(specifier);
			} catch {
				// A package for imports only.
			}
		}
	}

	async function load(url: string, context: LoadContext, nextLoad: NextLoad): Promise<LoadResult> {
		if (startsWith(url, "node:")) {
			if (url === "node:repl") gate.rule("code.string", { kind: "REPL" }, gate.policy.runtime.stringCode);
			return nextLoad(url, context);
		}
		const { format: derived } = context;
		const file = pathOfFileUrl(url);
		if (file === undefined) {
			gate.rule("code.string", { kind: startsWith(url, "data:") ? "data: URL" : "URL" }, "refuse");
			return nextLoad(url, context);
		}
		const format = derived === "json" ? derived : scopes.formatOf(file, derived);
		if (format === "commonjs") return { format, source: null, shortCircuit: true };
		const content = gate.readCodeSync(file, format === "json" || format === "wasm" ? format : "module");
		if (format === "wasm") return { format, source: bytesOf(content), shortCircuit: true };
		const source = withoutByteOrderMark(sourceText(gate, file, content));
		if (format !== undefined) return { format, source, shortCircuit: true };
		const found = await nextLoad(scopes.urlForFormat(file, url), { ...context, format, source });
		return { format: found.format, source: found.source, shortCircuit: true };
	}
	Object.defineProperty(globalThis, HANDOVER, { value: { load, resolve } });
}
