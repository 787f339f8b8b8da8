import type { Technique } from "../technique.js";
import { bytecodeLengths } from "./bytecode-lengths.js";
import { children } from "./children.js";
import { environment } from "./environment.js";
import { files } from "./files.js";
import { freedBuffers } from "./freed-buffers.js";
import { gate } from "./gate.js";
import { gateFresh } from "./gate-fresh.js";
import { gateKept } from "./gate-kept.js";
import { gateMends } from "./gate-mends.js";
import { guards } from "./guards.js";
import { handles } from "./handles.js";
import { inspector } from "./inspector.js";
import { launch } from "./launch.js";
import { loaders } from "./loaders.js";
import { moduleHooks } from "./module-hooks.js";
import { bindings, moduleInternals } from "./module-internals.js";
import { nativeTechniques } from "./native.js";
import { nativeCalls } from "./native-calls.js";
import { poisoning } from "./poisoning.js";
import { ROOT_CAUSES } from "./root-causes.js";
import { evaluators, urls, vm } from "./text.js";
import { wasmTechniques } from "./wasm.js";
import { workers } from "./workers.js";

/** All techniques by class, in the order of docs/explanation/threat-model.md. */
export const TECHNIQUES: Readonly<Record<string, readonly Technique[]>> = {
	"changed and unsigned files": files,
	"code in URLs": urls,
	"text evaluated": evaluators,
	"node:vm": vm,
	"module loader's internals": moduleInternals,
	"internal bindings": bindings,
	"further hooks": [...loaders, ...moduleHooks],
	"poisoned built-ins": poisoning,
	"round the guards": guards,
	"hook and program in one realm": Object.values(ROOT_CAUSES).flat(),
	workers,
	children,
	inspector,
	WebAssembly: wasmTechniques,
	"native code": nativeTechniques,
	"environment, options and caches": environment,
	"start and memory": launch,
	"memory of ArrayBuffers": freedBuffers,
	"round the native gate": [
		...gate,
		...gateMends,
		...gateFresh,
		...gateKept,
		...nativeCalls,
		...bytecodeLengths,
		...handles,
	],
};
