/** Makes a log that a receiver could take apart at the wrong places. */

import { TRAPS } from "../../packages/cli/test/commands/log/logs.js";
import { bytesOf, type Step, writeLog } from "../../packages/core/test/log/chained-log.js";

/** Returns a log with the traps, of some hundred lines. */
export function trapped(): Buffer {
	const steps = Array.from({ length: 300 }, (_, index): Step => {
		return { kind: "event", path: TRAPS[index % 50] ?? `/srv/${index}.js` };
	});
	return bytesOf(writeLog(steps)[0] ?? []);
}
