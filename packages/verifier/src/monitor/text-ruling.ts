import type { Policy } from "@sigtool/core/read";

/** Returns the ruling on text that is the content of no signed file. */
export function rulingOnText({ runtime }: Policy): "audit" | "refuse" | "allow" {
	return runtime.stringCode === "signed" ? "refuse" : runtime.stringCode;
}
