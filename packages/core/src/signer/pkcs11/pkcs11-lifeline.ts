/**
 * Runs in a worker thread of the child process that loads a PKCS#11 module. This thread ends the child process when
 * sigtool ends. The main thread cannot do that while a call of the module hangs.
 */

import { readSync } from "node:fs";
import { DESCRIPTOR } from "./pkcs11-wire.js";

try {
	// sigtool never writes to this descriptor. So the call returns when the other end is closed.
	readSync(DESCRIPTOR.lifeline, Buffer.alloc(1));
} finally {
	process.kill(process.pid, "SIGKILL");
}
