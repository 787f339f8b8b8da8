/**
 * Obeys a unit file as systemd does, where no systemd runs: Restart=, RestartPreventExitStatus=, RestartSec=,
 * RestartSteps=, RestartMaxDelaySec=, the start limit and OnFailure= (systemd.service(5), systemd.unit(5)). Time is
 * compressed: delays are recorded, and not waited for.
 */

export interface Ending {
	readonly status: number | null;
	readonly signal: string | null;
}

export interface Supervision {
	readonly endings: readonly Ending[];
	/** The delay before each start but the first, in seconds. */
	readonly delays: readonly number[];
	/** The units of OnFailure= that were started. */
	readonly alerts: readonly string[];
	/** The service ended well, or failed and stays down, or was still tried after the last start that was allowed. */
	readonly result: "success" | "failed" | "restarting";
}

/** The settings of a section by name. A setting that is there several times has several values. */
export type Unit = ReadonlyMap<string, readonly string[]>;

/** Parses `Name=value` lines. Comments and section headers are skipped, because no name is in two sections. */
export function parseUnit(text: string): Unit {
	const unit = new Map<string, string[]>();
	// A backslash at the end of a line continues it.
	for (const line of text.replace(/\\\n\s*/g, "").split("\n")) {
		const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
		if (name !== undefined && value !== undefined) unit.set(name, [...(unit.get(name) ?? []), value]);
	}
	return unit;
}

/**
 * Starts the service until it need not be started again, at most `most` times. `start` runs the service to its end, and
 * gets the number of the start, from 1 on.
 */
export function supervise(unit: Unit, start: (number: number) => Ending, most = 10): Supervision {
	const endings: Ending[] = [];
	const delays: number[] = [];
	const record = (result: Supervision["result"]): Supervision => {
		return { endings, delays, alerts: result === "failed" ? words(unit, "OnFailure") : [], result };
	};
	let clock = 0;
	const starts: number[] = [];
	for (;;) {
		if (exceedsLimit(unit, starts, clock)) return record("failed");
		starts.push(clock);
		const ending = start(starts.length);
		endings.push(ending);
		if (isClean(ending) && one(unit, "Restart") === "on-failure") return record("success");
		if (!isRestarted(unit, ending)) return record(isClean(ending) ? "success" : "failed");
		if (starts.length === most) return record("restarting");
		const delay = delayAfter(unit, starts.length - 1);
		delays.push(delay);
		clock += delay;
	}
}

/** Signals that end a service cleanly. */
const CLEAN_SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"];

function isClean({ status, signal }: Ending): boolean {
	return signal === null ? status === 0 : CLEAN_SIGNALS.includes(signal);
}

function isRestarted(unit: Unit, { status, signal }: Ending): boolean {
	const prevented = words(unit, "RestartPreventExitStatus");
	if (prevented.includes(String(signal ?? status))) return false;
	const restart = one(unit, "Restart") ?? "no";
	if (restart === "no" || restart === "on-failure" || restart === "always") return restart !== "no";
	throw new Error(`The supervisor does not know Restart=${restart}`);
}

/** Returns the delay before restart `number`, which is counted from 0. It grows exponentially to the largest delay. */
function delayAfter(unit: Unit, number: number): number {
	const least = Number(one(unit, "RestartSec") ?? 0.1);
	const most = Number(one(unit, "RestartMaxDelaySec") ?? least);
	const steps = Number(one(unit, "RestartSteps") ?? 0);
	if (steps === 0 || most <= least) return least;
	return number >= steps ? most : least * (most / least) ** (number / steps);
}

/** Tells whether another start now is one too many in the interval. */
function exceedsLimit(unit: Unit, starts: readonly number[], now: number): boolean {
	const interval = Number(one(unit, "StartLimitIntervalSec") ?? 10);
	const burst = Number(one(unit, "StartLimitBurst") ?? 5);
	return interval > 0 && starts.filter((time) => now - time < interval).length >= burst;
}

function one(unit: Unit, name: string): string | undefined {
	return unit.get(name)?.at(-1);
}

function words(unit: Unit, name: string): string[] {
	return (unit.get(name) ?? []).flatMap((value) => value.split(/\s+/)).filter((word) => word !== "");
}
