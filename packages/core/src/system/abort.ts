/** Ends operations early, as the caller asks by an `AbortSignal`. */

/**
 * The error of an operation that the caller ended by an `AbortSignal`. Name and code are those with which functions of
 * Node.js end in this case. It is no SigtoolError, because nothing failed and nothing was judged.
 */
export class AbortError extends Error {
	override readonly name = "AbortError";
	readonly code = "ABORT_ERR";

	/** The reason of the signal becomes the cause. */
	constructor(signal: AbortSignal) {
		super("The operation was aborted", { cause: signal.reason });
	}
}

/** @throws AbortError if the signal was aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
	if (signal?.aborted === true) throw new AbortError(signal);
}

/**
 * Waits for `promise`, but no longer than until the signal is aborted. What the promise stands for goes on.
 * @throws AbortError, and the error of the promise
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
	if (signal === undefined) return promise;
	let stop = () => {};
	const aborted = new Promise<never>((_, reject) => {
		stop = () => reject(new AbortError(signal));
		if (signal.aborted) stop();
		else signal.addEventListener("abort", stop, { once: true });
	});
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		signal.removeEventListener("abort", stop);
	}
}

/** Lets the event loop run now and then during a long computation, because only then can a signal be aborted. */
export interface Pauses {
	/**
	 * Resolves at once, or after the event loop has run if the last pause was PAUSE_NS ago.
	 * @throws AbortError
	 */
	take(): Promise<void>;
}

/** Reads `process.hrtime`, because the first use of `performance` makes Node.js 20 load a module, which takes 0.8 ms. */
export function createPauses(signal: AbortSignal): Pauses {
	let last = process.hrtime.bigint();
	return {
		async take() {
			if (process.hrtime.bigint() - last >= PAUSE_NS) {
				await new Promise((resolve) => setImmediate(resolve));
				last = process.hrtime.bigint();
			}
			throwIfAborted(signal);
		},
	};
}

/** The longest computation without a pause, in nanoseconds: 20 ms. A pause costs microseconds. */
const PAUSE_NS = 20_000_000n;

/**
 * Runs a computation that yields after each of its steps. Without a signal, it runs to its end at once.
 * @throws AbortError, after the computation has released what it holds; and the errors of the computation
 */
export async function runSteps<T>(steps: Generator<void, T>, signal: AbortSignal | undefined): Promise<T> {
	if (signal === undefined) return runAtOnce(steps);
	const pauses = createPauses(signal);
	try {
		for (;;) {
			const { done, value } = steps.next();
			if (done) return value;
			await pauses.take();
		}
	} catch (error) {
		steps.return(undefined as T); // Runs the `finally` of the computation. The value that it returns is not used.
		throw error;
	}
}

export function runAtOnce<T>(steps: Generator<void, T>): T {
	for (;;) {
		const { done, value } = steps.next();
		if (done) return value;
	}
}
