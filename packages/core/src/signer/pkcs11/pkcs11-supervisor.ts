/**
 * Runs in the worker thread that pkcs11-channel.ts starts. This thread starts the child process that loads a PKCS#11
 * module, passes lines on in both directions, and ends the child process if an answer takes too long. The main thread
 * cannot do that, because it blocks until it has the answer.
 */

import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { type MessagePort, workerData } from "node:worker_threads";
import { errnoReason } from "../../errors.js";
import { processOf } from "../../system/parts.js";
import { DESCRIPTOR, MAX_LINE_LENGTH } from "./pkcs11-wire.js";

/** The worker data with which pkcs11-channel.ts starts this thread. */
export interface Supervision {
	/** The main thread sends Asked, or null as the last message. This thread sends one Told for each Asked. */
	readonly port: MessagePort;
	/** Its only element is the number of answers so far. The main thread waits until this number changes. */
	readonly answers: Int32Array;
}

export interface Asked {
	readonly line: string;
	readonly timeoutMs: number;
}

/** `line` is an answer. `failure` is the reason why no answer will come any more. */
export type Told = { readonly line: string } | { readonly failure: string };

// The type assertion is safe: pkcs11-channel.ts passes this type.
supervise(workerData as Supervision);

function supervise({ port, answers }: Supervision): void {
	/** The reason why no answer will come any more. Undefined while answers can come. */
	let over: string | undefined;
	/** The timer of the call that has no answer yet. Undefined if every call has its answer. */
	let limit: NodeJS.Timeout | undefined;
	let pieces = "";

	// NODE_EXTRA_CA_CERTS is removed, because Node.js would parse these certificates when the child process starts,
	// which would take as long as the rest of the start.
	const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
	const { program, args, argv0 } = processOf(new URL("./pkcs11-process.js", import.meta.url));
	const child = spawn(program, args, {
		argv0,
		env,
		// The module must not write between the results of sigtool on standard output and standard error.
		stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
		windowsHide: true,
	});
	const tell = (told: Told) => {
		clearTimeout(limit);
		limit = undefined;
		port.postMessage(told);
		Atomics.add(answers, 0, 1);
		Atomics.notify(answers, 0);
	};
	const end = (reason: string) => {
		if (over !== undefined) return;
		over = reason;
		child.kill("SIGKILL");
		if (limit !== undefined) tell({ failure: reason });
	};

	child.once("error", (error) => end(`the module's process cannot be started: ${errnoReason(error)}`));
	child.once("exit", (status, signal) => {
		const ended = signal === null ? `the module ended its process with exit status ${status}` : undefined;
		end(ended ?? `the module's process was ended by ${signal}`);
	});
	const lines = child.stdio[DESCRIPTOR.lines];
	if (lines instanceof Duplex) {
		lines.setEncoding("utf8").on("data", (piece: string) => {
			pieces += piece;
			if (limit === undefined) end("the module's process spoke without being asked");
			else if (pieces.length > MAX_LINE_LENGTH) end("the module's process gave an answer that is too long");
			else if (piece.endsWith("\n")) {
				const line = pieces;
				pieces = "";
				tell({ line });
			}
		});
		// Nothing is reported here, because the exit event follows, and its status says more than an error of the pipe.
		lines.on("error", () => child.kill("SIGKILL")).on("close", () => child.kill("SIGKILL"));
	}
	port.on("message", (asked: Asked | null) => {
		if (asked === null) {
			end("the module is closed");
			port.close();
			return;
		}
		if (over !== undefined || !(lines instanceof Duplex)) {
			tell({ failure: over ?? "the module's process cannot be reached" });
			return;
		}
		const { line, timeoutMs } = asked;
		const late = `the module gave no answer within ${timeoutMs / 1000} s; --signer-timeout allows more`;
		limit = setTimeout(() => end(late), Math.min(timeoutMs, MAX_TIMER_MS));
		lines.write(line);
	});
}

/** The longest timer of Node.js. A longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
