/** Formats numbers and times for a reader. */

/** Formats a whole number as 1,234,567, on every machine alike. */
export function thousands(number: number): string {
	return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function count(number: number, one: string, many = `${one}s`): string {
	return `${thousands(number)} ${number === 1 ? one : many}`;
}

export function sizeText(sizeBytes: number): string {
	if (sizeBytes < 0) return "";
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let power = 0;
	for (let left = sizeBytes; left >= 1024 && power < units.length - 1; left /= 1024) power++;
	return `${power === 0 ? sizeBytes : (sizeBytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** Formats a time as 2026-01-31 12:00:00.000 UTC, or without milliseconds. */
export function timeText(timeMs: number, precision: "seconds" | "milliseconds" = "seconds"): string {
	if (!Number.isFinite(timeMs) || Math.abs(timeMs) > 8.64e15 || timeMs < 0) return "no readable time";
	const [day, time] = new Date(timeMs).toISOString().slice(0, -1).split("T");
	return `${day} ${precision === "seconds" ? time.slice(0, 8) : time} UTC`;
}

/** Shortens a text to a number of characters in the middle, where paths differ least. */
export function shortened(text: string, length: number): string {
	if (text.length <= length) return text;
	const end = Math.ceil((length - 1) / 2);
	const start = length - 1 - end;
	const [before, after] = [text.slice(0, Math.max(0, start)), text.slice(text.length - end)];
	return `${before.replace(/[\ud800-\udbff]$/, "")}…${after.replace(/^[\udc00-\udfff]/, "")}`;
}
