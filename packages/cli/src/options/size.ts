import { escaped } from "../output/output.js";
import { usageError } from "./usage.js";

/** Returns a number of bytes from `--max-size`, such as `4096` or `4G`. @throws ERR_USAGE */
export function parseSize(text: string): number {
	const [, digits, unit = ""] = /^(\d{1,16})([KMGT]?)$/.exec(text) ?? [];
	const size = Number(digits) * 1024 ** " KMGT".indexOf(unit || " ");
	if (Number.isSafeInteger(size)) return size;
	throw usageError(`Unknown size "${escaped(text)}"; give a number of bytes, or one with K, M, G or T, such as 4G`);
}
