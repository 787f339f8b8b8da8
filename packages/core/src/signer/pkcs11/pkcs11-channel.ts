/**
 * Starts a child process for a PKCS#11 module, and makes calls in it. A module is native code of other people that can
 * hang, crash, print, or end the process that it is loaded into. So sigtool does not load a module into its own
 * process.
 */

import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { startThread } from "../../system/parts.js";
import type { Supervision, Told } from "./pkcs11-supervisor.js";
import { type Answer, type Call, decodeAnswer, encodeCall } from "./pkcs11-wire.js";

export interface Channel {
	/**
	 * Makes a call in the child process, and blocks until the answer has come or the time is over.
	 * @throws ModuleGone
	 */
	readonly ask: (call: Call, timeoutMs: number) => Answer;
	/** Returns true while `ask` can still succeed. */
	readonly isOpen: () => boolean;
	/** Ends the child process, and does not wait for its end. */
	readonly close: () => void;
}

/** Reports that the child process cannot be used any more. The message is a clause that says why. */
export class ModuleGone extends Error {}

export function openChannel(): Channel {
	const answers = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
	const { port1: port, port2 } = new MessageChannel();
	const workerData: Supervision = { port: port2, answers };
	const worker = startThread(new URL("./pkcs11-supervisor.js", import.meta.url), {
		workerData,
		transferList: [port2],
		execArgv: [],
	});
	worker.unref();
	let failure: string | undefined;
	return {
		ask(call, timeoutMs) {
			const count = Atomics.load(answers, 0);
			if (failure === undefined) {
				port.postMessage({ line: encodeCall(call), timeoutMs });
				Atomics.wait(answers, 0, count, timeoutMs + SUPERVISOR_MS);
				const told: Told | undefined = receiveMessageOnPort(port)?.message;
				if (told !== undefined && "line" in told) {
					const answer = decodeAnswer(told.line);
					if (answer !== undefined) return answer;
				}
				failure = told !== undefined && "failure" in told ? told.failure : UNUSABLE_ANSWER;
			}
			throw new ModuleGone(failure);
		},
		isOpen: () => failure === undefined,
		close() {
			failure ??= "the module is closed";
			port.postMessage(null);
		},
	};
}

export const UNUSABLE_ANSWER = "the module's process gave an answer that cannot be used";

/**
 * The supervisor ends a call at its time limit. The main thread waits this many milliseconds longer, so that the
 * supervisor's answer can arrive.
 */
const SUPERVISOR_MS = 10_000;
