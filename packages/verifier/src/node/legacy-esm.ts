/**
 * Node.js before 22.15, `import`: a hook in a thread of its own, which runs no code of the program. There this bundle is
 * preloaded again, decides by the same index, and answers with text; CommonJS it leaves to the thread that asks.
 */

import module from "node:module";
import type { Gate } from "../gate.js";
import { startsWith } from "../primordials.js";
import { pathOfFileUrl } from "./file-url.js";
import { checkLinks, guardLinks } from "./links.js";
import type { PackageScopes } from "./package-scope.js";
import { sourceText, withoutByteOrderMark } from "./source-text.js";

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

/** In the thread of the program: from here on imports are asked of the other one. */
export function startLoaderThread(): void {
	module.register(LOADER);
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
		const { bytes } = gate.openCodeSync(file, format === "json" || format === "wasm" ? format : "module");
		if (format === "wasm") return { format, source: bytes, shortCircuit: true };
		const source = withoutByteOrderMark(sourceText(gate, file, bytes));
		if (format !== undefined) return { format, source, shortCircuit: true };
		const found = await nextLoad(scopes.urlForFormat(file, url), { ...context, format, source });
		return { format: found.format, source: found.source, shortCircuit: true };
	}
	Object.defineProperty(globalThis, HANDOVER, { value: { load, resolve } });
}
