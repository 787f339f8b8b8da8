/** Applies `files.owner` and `files.othersWrite` of the policy to a file that is open. */

import type { Policy } from "@sigtool/core/read";
import { type UntrustedVerdict, untrusted } from "./verdict.js";

/** The two members of the policy's `files`. Absent members demand nothing. */
export type OwnerAndModeRules = Partial<Pick<Policy["files"], "owner" | "othersWrite">>;

/**
 * Returns the refusal of a file with this owner and mode, or undefined if the rules accept it. `uid` and `mode` are
 * those that fstat() returns. native/trust/owner-and-mode.c does the same for CPython.
 */
export function ownerOrModeObjection(
	{ owner, othersWrite }: OwnerAndModeRules,
	uid: number,
	mode: number,
): UntrustedVerdict | undefined {
	const refusesOwner = owner === "root" && uid !== ROOT;
	if (!refusesOwner && (othersWrite !== "refuse" || (mode & OTHERS_WRITE) === 0)) return undefined;
	const detail = `owner ${uid}, mode ${octal(mode)}`;
	return refusesOwner
		? untrusted("ERR_FILE_OWNER", { detail, why: `user ${uid} owns it, and the policy demands root` })
		: untrusted("ERR_FILE_WRITABLE", {
				detail,
				why: `its mode ${octal(mode)} lets its group or others write it, and the policy refuses that`,
			});
}

const ROOT = 0;
/** The bits by which the group, or whoever a POSIX ACL names, and all others may write: S_IWGRP and S_IWOTH. */
const OTHERS_WRITE = 0o022;

/** Returns the four octal digits of a mode. A program could exchange `Number.prototype.toString`. */
function octal(mode: number): string {
	return `${(mode >> 9) & 7}${(mode >> 6) & 7}${(mode >> 3) & 7}${mode & 7}`;
}
