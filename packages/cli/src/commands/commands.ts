/**
 * Lists every command. The declaration of a command has a function that declares its options. program.ts calls this
 * function only for a command that the arguments name, because declaring options takes time.
 */

import type { CommandDeclaration } from "../options/declaration.js";
import { COMPILE } from "./compile/declaration.js";
import { COMPLETION } from "./completion/declaration.js";
import { CONFIG } from "./config/declaration.js";
import { CONVERT } from "./convert/declaration.js";
import { DIFF } from "./diff/declaration.js";
import { DIGEST } from "./digest/declaration.js";
import { DOCTOR } from "./doctor/declaration.js";
import { EXPLAIN } from "./explain/declaration.js";
import { FINISH } from "./finish/declaration.js";
import { IDENTITY } from "./identity/declaration.js";
import { INIT } from "./init/declaration.js";
import { INSPECT } from "./inspect/declaration.js";
import { LAUNCHER } from "./launcher/declaration.js";
import { LOG } from "./log/declaration.js";
import { NATIVE } from "./native/declaration.js";
import { POLICY } from "./policy/declaration.js";
import { PYTHON } from "./python/declaration.js";
import { REPORT } from "./report/declaration.js";
import { RESTORE } from "./restore/declaration.js";
import { AUDIT, RUN } from "./run/declaration.js";
import { SIGN } from "./sign/declaration.js";
import { STRIP } from "./strip/declaration.js";
import { TIMESTAMP } from "./timestamp/declaration.js";
import { TRUST } from "./trust/declaration.js";
import { VERIFY } from "./verify/declaration.js";

/** The commands, in the order in which `sigtool --help` lists them: for signing, verifying, running and trusting. */
export const COMMANDS: readonly CommandDeclaration[] = [
	INIT,
	CONFIG,
	SIGN,
	FINISH,
	TIMESTAMP,
	RESTORE,
	STRIP,
	CONVERT,
	VERIFY,
	INSPECT,
	DIFF,
	REPORT,
	DIGEST,
	DOCTOR,
	COMPILE,
	RUN,
	AUDIT,
	LAUNCHER,
	POLICY,
	EXPLAIN,
	LOG,
	PYTHON,
	NATIVE,
	IDENTITY,
	TRUST,
	COMPLETION,
];
