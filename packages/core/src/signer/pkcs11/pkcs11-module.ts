/** Loads PKCS#11 modules (v2.40) into child processes, and converts their failures to SigtoolErrors. */

import { quote, SigtoolError } from "../../errors.js";
import { whyNoNative } from "../../system/native.js";
import { type Cryptoki, type RemoteCryptoki, UNTRUE_LENGTH } from "./pkcs11-api.js";
import { type Channel, ModuleGone, openChannel } from "./pkcs11-channel.js";
import { type Deadline, startDeadline } from "./pkcs11-deadline.js";
import { PackageMissing, remoteCryptoki } from "./pkcs11-remote.js";

/**
 * A loaded module. All signers of this process share the module and its child process, because some modules allow only
 * one process at a time to use a token.
 */
export interface Module {
	/** The functions with a time limit for each call. */
	readonly cryptoki: Cryptoki;
	/** The same functions, whose calls also have a time limit together. The calls that loaded the module count too. */
	readonly searching: Cryptoki;
	/**
	 * The same functions with a short time limit, for calls that release resources, after which a failure changes
	 * nothing.
	 */
	readonly closing: Cryptoki;
	/** Releases the module. The caller calls `close` once for each call of `openModule`. */
	readonly close: () => void;
}

/** Loads a module, or shares the module if it is loaded already. `timeoutMs` limits each call. @throws ERR_PKCS11 */
export function openModule(path: string, timeoutMs: number): Module {
	const deadline = startDeadline(timeoutMs);
	let shared = modules.get(path);
	if (shared?.channel.isOpen() !== true) {
		shared = { channel: startChannel(path), users: 0 };
		load(shared.channel, path, deadline);
		modules.set(path, shared);
	}
	const { channel } = shared;
	shared.users++;
	return {
		cryptoki: remoteCryptoki(channel, timeoutMs),
		searching: remoteCryptoki(channel, deadline),
		closing: remoteCryptoki(channel, CLOSING_MS),
		close: () => leave(path, channel),
	};
}

interface SharedModule {
	readonly channel: Channel;
	users: number;
}

const modules = new Map<string, SharedModule>();

function leave(path: string, channel: Channel): void {
	const shared = modules.get(path);
	// If the child process of `channel` ended too early, a later signer may have put another channel in the place of
	// `channel`.
	if (shared?.channel === channel) {
		if (--shared.users > 0) return;
		modules.delete(path);
		ignoringFailure(() => remoteCryptoki(channel, CLOSING_MS).C_Finalize());
	}
	channel.close();
}

function startChannel(path: string): Channel {
	try {
		return openChannel();
	} catch (cause) {
		const reason = "no thread can be started that watches it";
		throw new SigtoolError("ERR_PKCS11", `Cannot load the PKCS#11 module ${quote(path)}: ${reason}`, { cause });
	}
}

function load(channel: Channel, path: string, deadline: Deadline): void {
	const cryptoki = remoteCryptoki(channel, deadline);
	try {
		loadLibrary(cryptoki, path);
		attempt(`use the PKCS#11 module ${quote(path)}`, () => cryptoki.C_Initialize());
	} catch (error) {
		channel.close();
		throw error;
	}
}

function loadLibrary(cryptoki: RemoteCryptoki, path: string): void {
	try {
		cryptoki.load(path);
	} catch (error) {
		if (error instanceof PackageMissing) {
			const { reason, remedy } = whyNoNative();
			throw new SigtoolError("ERR_PKCS11", `Cannot use PKCS#11: ${reason}; ${remedy}, or use --signer-command`);
		}
		const action = `load the PKCS#11 module ${quote(path)}`;
		if (error instanceof ModuleGone) throw pkcs11Failure(action, error);
		const reason = error instanceof Error ? error.message : "unknown error";
		throw new SigtoolError("ERR_PKCS11", `Cannot ${action}: ${reason}`, { path });
	}
}

/** Returns the result of `call`. @throws ERR_PKCS11 with the action that failed and the CKR_ name */
export function attempt<T>(action: string, call: () => T): T {
	try {
		return call();
	} catch (error) {
		throw pkcs11Failure(action, error);
	}
}

/** Calls `call`, which releases a resource, and ignores its errors, because no caller can handle them any more. */
export function ignoringFailure(call: () => void): void {
	try {
		call();
	} catch {
		// The failure is ignored, because the token or the module is usually gone, and then there is nothing left to
		// release.
	}
}

/**
 * Makes an ERR_PKCS11 with the CKR_ name, or with the reason why the module or its process cannot be used. No other text
 * of an error is kept, because a module can write any.
 */
export function pkcs11Failure(action: string, error: unknown): SigtoolError {
	const isKept = error instanceof ModuleGone || toldUntrueLength(error);
	const reason = isKept ? error.message : returnName(error);
	return new SigtoolError("ERR_PKCS11", `Cannot ${action}: ${reason}`);
}

/** Returns true if a function failed because the module counts more than it had room for. */
export function toldUntrueLength(error: unknown): error is Error {
	return error instanceof Error && error.message === UNTRUE_LENGTH;
}

/** Returns the CKR_ name in an error that a function of the module threw, or `unknown error`. */
export function returnName(error: unknown): string {
	return /CKR_\w{1,60}/.exec(error instanceof Error ? error.message : "")?.[0] ?? "unknown error";
}

const CLOSING_MS = 5000;
