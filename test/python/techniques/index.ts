import type { Technique } from "../technique.js";
import { archives } from "./archives.js";
import { children } from "./children.js";
import { bytecode, files } from "./files.js";
import { furtherChildren, furtherImports, furtherMemory, furtherNative, furtherRoots, furtherText } from "./further.js";
import { library } from "./library.js";
import { loaders } from "./loaders.js";
import { memory, nativeCode } from "./native.js";
import { provenance } from "./provenance.js";
import { races } from "./races.js";
import { commandLine, environment } from "./start.js";
import { text } from "./text.js";

/** All techniques by class, in the order of docs/explanation/threat-model.md. */
export const TECHNIQUES: Readonly<Record<string, readonly Technique[]>> = {
	"command line": commandLine,
	environment,
	"standard library": library,
	"changed and unsigned files": files,
	bytecode,
	archives,
	"import system": [...loaders, ...furtherImports],
	"text and data": [...text, ...furtherText],
	"borrowed rights": provenance,
	"native code": [...nativeCode, ...furtherNative, ...races],
	"the process's memory": [...memory, ...furtherMemory, ...furtherRoots],
	children: [...children, ...furtherChildren],
};
