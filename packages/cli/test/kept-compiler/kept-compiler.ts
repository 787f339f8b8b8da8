import { fileURLToPath } from "node:url";

/**
 * Variables by which `sigtool python build` compiles each source only once for all tests, because a spython takes six
 * seconds of processor time. With SIGTOOL_FULL, or if a compiler is named, that compiler does everything.
 */
export const KEPT_COMPILER: Readonly<Record<string, string>> =
	process.env.SIGTOOL_FULL === undefined && process.env.CC === undefined
		? {
				CC: fileURLToPath(new URL("cc", import.meta.url)),
				SIGTOOL_TEST_SOURCES: fileURLToPath(new URL("../../../verifier/native/", import.meta.url)),
				SIGTOOL_TEST_OBJECTS: fileURLToPath(new URL("../../../../.cache/objects/", import.meta.url)),
			}
		: {};
