/**
 * Node.js before 22.15, `import`: a hook in a thread of its own, which runs no code of the program. There this bundle is
 * preloaded again, decides by the same index, and answers with text; CommonJS it leaves to the thread that asks.
 */

import module from "node:module";
import type { Gate } from "../gate.js";
import { startsWith } from "../primordials.js";
import { pathOfFileUrl } from "./file-url.js";
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
type NextLoad = (url: string, context: object) => Promise<LoadResult>;

const HANDOVER = Symbol.for("sigtool:loader");
/** Nothing to read from a disk: what it exports, the preloaded bundle has put there. */
const LOADER = "data:text/javascript,export const{load}=globalThis[Symbol.for('sigtool:loader')]";

/** In the thread of the program: from here on imports are asked of the other one. */
export function startLoaderThread(): void {
	module.register(LOADER);
}

/** In the hook's own thread. */
export function offerLoader(gate: Gate, scopes: PackageScopes): void {
	async function load(url: string, context: LoadContext, nextLoad: NextLoad): Promise<LoadResult> {
		if (startsWith(url, "node:")) {
			if (url === "node:repl") gate.rule("code.string", { kind: "REPL" }, gate.policy.runtime.stringCode);
			return nextLoad(url, context);
		}
		const { format } = context;
		const path = pathOfFileUrl(url);
		if (path === undefined) {
			gate.rule("code.string", { kind: startsWith(url, "data:") ? "data: URL" : "URL" }, "refuse");
			return nextLoad(url, context);
		}
		if (format === "commonjs") return { format, source: null, shortCircuit: true };
		const { bytes } = gate.openCodeSync(path, format === "json" || format === "wasm" ? format : "module");
		if (format === "wasm") return { format, source: bytes, shortCircuit: true };
		if (format !== "json") scopes.check(path, format);
		const source = withoutByteOrderMark(sourceText(gate, path, bytes));
		// Node.js finds the format out from this source.
		if (format === undefined || format === null) return nextLoad(url, { ...context, source });
		return { format, source, shortCircuit: true };
	}
	Object.defineProperty(globalThis, HANDOVER, { value: { load } });
}
