/** Tells who the users of services are, and runs functions with their rights, so that the kernel judges what they may do. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { ioError, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";
import type { ListedProcess } from "./listed-processes.js";

export interface Account {
	/** The name for messages, such as `app`, or `998`. */
	readonly name: string;
	readonly uid: number;
	readonly gid: number;
	/** The supplementary groups. */
	readonly groups: readonly number[];
}

/**
 * Returns the account with this name or number. A number without a name has the group of the same number, as the users of
 * systemd's DynamicUser= have.
 * @throws ERR_USAGE if there is none, or if only root could act as it
 */
export function accountOf(given: string): Account {
	// id(1) reads " 5" as the number 5. No name of a user has a space.
	const account = /\s/.test(given) ? undefined : (listedAccount(given) ?? numbered(given));
	if (account === undefined) {
		throw usageError(
			`Unknown user "${given}"; a user of DynamicUser= is known only while its service runs, so give its number`,
		);
	}
	if (isRoot() || account.uid === process.getuid?.()) return account;
	throw usageError(`Cannot act as user "${given}": run it as root`);
}

/** Returns the accounts of processes, each once. */
export function accountsOf(processes: readonly ListedProcess[]): Account[] {
	const accounts = processes.flatMap(({ pid }) => accountOfProcess(pid) ?? []);
	return [...new Map(accounts.map((account) => [JSON.stringify(account), account])).values()];
}

export function rootAccount(): Account {
	return { name: "root", uid: 0, gid: 0, groups: process.getgroups?.() ?? [] };
}

export function isRoot(): boolean {
	return process.geteuid?.() === 0;
}

/**
 * Calls the function with the effective user and groups of the account. The real user stays root, so this process can take
 * its rights back, and processes of the account cannot reach it.
 * @throws ERR_IO if this process may not change its user
 */
export function actingAs<T>({ name, uid, gid, groups }: Account, act: () => T): T {
	const { getgroups, geteuid, getegid, seteuid, setegid, setgroups } = process;
	if (!getgroups || !geteuid || !getegid || !seteuid || !setegid || !setgroups) {
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", `Cannot act as user ${name}: this system has no users`);
	}
	if (geteuid() === uid) return act();
	const own = { groups: getgroups(), gid: getegid(), uid: geteuid() };
	try {
		try {
			setgroups([...groups]);
			setegid(gid);
			seteuid(uid);
		} catch (cause) {
			throw ioError("act as user", name, cause);
		}
		return act();
	} finally {
		seteuid(own.uid);
		setegid(own.gid);
		setgroups(own.groups);
	}
}

/** Asks id(1), which knows every source of users that this system has. */
function listedAccount(given: string): Account | undefined {
	const numbers = (option: string): number[] | undefined => {
		const { status, stdout } = spawnSync("id", [option, "--", given], { encoding: "utf8", timeout: 10_000 });
		return status === 0 ? stdout.trim().split(" ").map(Number) : undefined;
	};
	const [[uid] = [], [gid] = [], groups] = [numbers("-u"), numbers("-g"), numbers("-G")];
	return uid === undefined || gid === undefined || groups === undefined ? undefined : { name: given, uid, gid, groups };
}

function numbered(given: string): Account | undefined {
	const uid = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
	return uid < 2 ** 32 - 1 ? { name: given, uid, gid: uid, groups: [uid] } : undefined;
}

/** Returns undefined if the process has ended. */
function accountOfProcess(pid: number): Account | undefined {
	let status: string;
	try {
		status = readFileSync(`/proc/${pid}/status`, "utf8");
	} catch {
		return undefined;
	}
	const numbers = (name: string) =>
		(new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "")
			.split(/\s+/)
			.filter((each) => each !== "")
			.map(Number);
	const [[uid = 0], [gid = 0], groups] = [numbers("Uid"), numbers("Gid"), numbers("Groups")];
	return { name: String(uid), uid, gid, groups };
}
