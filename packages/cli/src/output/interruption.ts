/**
 * Ends a command in order when the user presses Ctrl-C or closes the terminal: nothing half-written is left, and the
 * progress bar is gone.
 */

/** Reports that a command was ended by a signal of the system. */
class Interruption extends Error {
	override readonly name = "Interruption";
	readonly signal: NodeJS.Signals;

	constructor(signal: NodeJS.Signals, options: ErrorOptions) {
		super(`interrupted by ${signal}`, options);
		this.signal = signal;
	}
}

/**
 * Runs `work` with a signal that is aborted by SIGINT (Ctrl-C), SIGTERM or SIGHUP (a terminal that was closed). The same
 * signal once more ends the process at once. If the work succeeds in spite of the signal, its result counts.
 * @throws Interruption
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const controller = new AbortController();
	let received: NodeJS.Signals | undefined;
	const interrupt = (name: NodeJS.Signals) => {
		received ??= name;
		controller.abort();
	};
	for (const name of SIGNALS) process.once(name, interrupt);
	try {
		return await work(controller.signal);
	} catch (cause) {
		// If the work blocked the thread, for example while a program signed, a signal is delivered only now.
		await new Promise((resolve) => setImmediate(resolve));
		throw received === undefined ? cause : new Interruption(received, { cause });
	} finally {
		for (const name of SIGNALS) process.off(name, interrupt);
	}
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * If the error is an Interruption, ends the process by the signal, as if nobody had listened to it. So a shell sees exit
 * status 130, 143 or 129, and a loop of the shell ends too. The error is known by its name, because each bundle has its own
 * class.
 */
export async function endIfInterrupted(error: unknown): Promise<void> {
	if (!(error instanceof Error) || error.name !== "Interruption" || !("signal" in error)) return;
	process.kill(process.pid, String(error.signal));
	await new Promise(() => {});
}
