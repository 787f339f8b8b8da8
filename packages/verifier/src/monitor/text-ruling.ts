import type { Policy } from "@sigtool/core/read";

/** Returns the ruling on text that is the content of no signed file. */
export function rulingOnText({ runtime }: Policy): "record" | "refuse" | "allow" {
	const { stringCode } = runtime;
	if (stringCode === "audit") return "record";
	return stringCode === "signed" ? "refuse" : stringCode;
}
