import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Variables by which `sigtool python build` compiles each source only once for all tests, because a spython takes six
 * seconds of processor time. With SIGTOOL_FULL, or if a compiler is named, that compiler does everything.
 */
export const KEPT_COMPILER: Readonly<Record<string, string>> =
	process.env.SIGTOOL_FULL === undefined && process.env.CC === undefined
		? {
				CC: at("cc"),
				SIGTOOL_TEST_NODE: process.execPath,
				SIGTOOL_TEST_SOURCES: at("../../../verifier/native/"),
				SIGTOOL_TEST_OBJECTS: at("../../../../.cache/objects/"),
			}
		: {};
const { SIGTOOL_TEST_OBJECTS: objects } = KEPT_COMPILER;
if (objects !== undefined) mkdirSync(objects, { recursive: true });
