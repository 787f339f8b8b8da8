import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The launcher that this checkout has built, if it is Linux. */
export const LAUNCHER = fileURLToPath(new URL("../packages/verifier/dist/native/sigtool-launch", import.meta.url));
export const hasLauncher = existsSync(LAUNCHER);
