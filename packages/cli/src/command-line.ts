/** Every command: its name, options and examples, and where its code is. Options are declared when a command is named. */

import type { CommandDeclaration } from "./command-line/declaration.js";
import { RUNNING } from "./command-line/running.js";
import { SIGNING } from "./command-line/signing.js";
import { TRUSTING } from "./command-line/trusting.js";
import { VERIFYING } from "./command-line/verifying.js";

export const COMMANDS: readonly CommandDeclaration[] = [...SIGNING, ...VERIFYING, ...RUNNING, ...TRUSTING];
