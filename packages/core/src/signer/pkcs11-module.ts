/**
 * PKCS#11 modules, through the optional native package pkcs11js, and the sessions with their tokens. PKCS#11 v2.40.
 * Whatever fails, no PIN gets into a message or a `cause`: of an error only its CKR_ name is kept.
 */

import { createRequire } from "node:module";
import { quote, SigtoolError } from "../errors.js";
import type { Cryptoki, Handle, Pkcs11js, TokenInfo } from "./pkcs11-api.js";
import type { Pkcs11Uri } from "./pkcs11-uri.js";

/** A module in use. Several signers of one process share it: a process may initialize it once. */
export interface Module {
	readonly cryptoki: Cryptoki;
	/** To be called once by everyone who opened it. */
	readonly close: () => void;
}

/** @throws ERR_PKCS11 */
export function openModule(path: string): Module {
	const { PKCS11 } = loadPackage();
	let shared = modules.get(path);
	if (shared === undefined) {
		const cryptoki = new PKCS11();
		try {
			cryptoki.load(path);
		} catch (error) {
			const reason = error instanceof Error ? error.message : "unknown error";
			throw new SigtoolError("ERR_PKCS11", `Cannot load the PKCS#11 module ${quote(path)}: ${reason}`, { path });
		}
		shared = { cryptoki, users: 0, isOurs: initialize(cryptoki, path) };
		modules.set(path, shared);
	}
	shared.users++;
	return { cryptoki: shared.cryptoki, close: () => leave(path) };
}

interface SharedModule {
	readonly cryptoki: Cryptoki;
	/** Whether nobody else in this process had initialized it, who would miss it. */
	readonly isOurs: boolean;
	users: number;
}

const modules = new Map<string, SharedModule>();

function leave(path: string): void {
	const shared = modules.get(path);
	if (shared === undefined || --shared.users > 0) return;
	modules.delete(path);
	if (shared.isOurs) ignoringFailure(() => shared.cryptoki.C_Finalize());
}

function initialize(cryptoki: Cryptoki, path: string): boolean {
	try {
		cryptoki.C_Initialize();
		return true;
	} catch (error) {
		if (returnName(error) === "CKR_CRYPTOKI_ALREADY_INITIALIZED") return false;
		throw pkcs11Failure(`use the PKCS#11 module ${quote(path)}`, error);
	}
}

export interface Token {
	readonly slot: Handle;
	readonly label: string;
	readonly needsPin: boolean;
	readonly warning: string | undefined;
}

/** The one token that the URI names. @throws ERR_PKCS11, ERR_PIN for one that is locked */
export function findToken(cryptoki: Cryptoki, uri: Pkcs11Uri): Token {
	const tokens = attempt("list tokens", () => cryptoki.C_GetSlotList(true)).flatMap((slot) => {
		const info = attempt("look at a token", () => cryptoki.C_GetTokenInfo(slot));
		return (info.flags & FLAG.initialized) === 0 ? [] : [{ slot, info }];
	});
	const [found, ...others] = tokens.filter(({ slot, info }) => isNamed(uri, slot, info));
	if (found === undefined) {
		const known = tokens.map(({ info }) => quote(trimmed(info.label))).join(", ");
		throw new SigtoolError("ERR_PKCS11", `Cannot find the token: there is ${known || "none"}`);
	}
	if (others.length > 0) {
		const known = [found, ...others].map(({ info }) => `serial=${trimmed(info.serialNumber)}`).join(", ");
		throw new SigtoolError("ERR_PKCS11", `Cannot choose among ${others.length + 1} tokens: name one by ${known}`);
	}
	const { slot, info } = found;
	const label = trimmed(info.label);
	if ((info.flags & FLAG.userPinLocked) !== 0) throw pinFailure(label, PIN_REASONS.CKR_PIN_LOCKED);
	if ((info.flags & FLAG.protectedAuthenticationPath) !== 0) {
		const reason = "it takes its PIN on keys of its own, for which pkcs11js has no call; use --signer-command";
		throw new SigtoolError("ERR_PKCS11", `Cannot log in to the token ${quote(label)}: ${reason}`);
	}
	return {
		slot,
		label,
		needsPin: (info.flags & FLAG.loginRequired) !== 0,
		warning:
			(info.flags & FLAG.userPinFinalTry) === 0 ? undefined : `the next wrong PIN locks the token ${quote(label)}`,
	};
}

function isNamed(uri: Pkcs11Uri, slot: Handle, info: TokenInfo): boolean {
	const pairs = [
		[uri.token, trimmed(info.label)],
		[uri.manufacturer, trimmed(info.manufacturerID)],
		[uri.model, trimmed(info.model)],
		[uri.serial, trimmed(info.serialNumber)],
		[uri.slotId, slot.readUInt32LE()],
	];
	return pairs.every(([wanted, actual]) => wanted === undefined || wanted === actual);
}

function trimmed(text: string): string {
	return text.replace(/ +$/, "");
}

/** With one token. */
export interface Session {
	readonly cryptoki: Cryptoki;
	readonly handle: Handle;
	/** The token's, for messages. */
	readonly label: string;
}

/** @throws ERR_PIN, ERR_PKCS11 */
export function logIn({ cryptoki, handle, label }: Session, user: keyof typeof USER, pin: string): void {
	if (pin === "") throw pinFailure(label, "the PIN is empty, which is not worth one of its attempts");
	try {
		cryptoki.C_Login(handle, USER[user], pin);
	} catch (error) {
		const name = returnName(error);
		if (name === "CKR_USER_ALREADY_LOGGED_IN") return; // By another signer of this process.
		const reason = PIN_REASONS[name];
		if (reason !== undefined) throw pinFailure(label, reason);
		throw pkcs11Failure(`log in to the token ${quote(label)}`, error);
	}
}

/** What `call` returns. @throws ERR_PKCS11 with what could not be done, and the CKR_ name */
export function attempt<T>(action: string, call: () => T): T {
	try {
		return call();
	} catch (error) {
		throw pkcs11Failure(action, error);
	}
}

/** For what is given back when nobody can be told any more that it failed. */
export function ignoringFailure(call: () => void): void {
	try {
		call();
	} catch {
		// The token is gone, or the module.
	}
}

function pkcs11Failure(action: string, error: unknown): SigtoolError {
	return new SigtoolError("ERR_PKCS11", `Cannot ${action}: ${returnName(error)}`);
}

function pinFailure(label: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_PIN", `Cannot log in to the token ${quote(label)}: ${reason}`);
}

function returnName(error: unknown): string {
	return /CKR_\w+/.exec(error instanceof Error ? error.message : "")?.[0] ?? "unknown error";
}

function loadPackage(): Pkcs11js {
	try {
		return createRequire(import.meta.url)("pkcs11js");
	} catch (cause) {
		const missing = "the optional package pkcs11js is not installed, or not compiled for this system";
		const remedy = "with a C++ compiler, make and Python 3 in place, install sigtool again; or use --signer-command";
		throw new SigtoolError("ERR_PKCS11", `Cannot use PKCS#11: ${missing}; ${remedy}`, { cause });
	}
}

/** CK_USER_TYPE: for a key that wants the PIN again before each signature, contextSpecific. */
const USER = { user: 1, contextSpecific: 2 } as const;

/** CK_TOKEN_INFO flags. */
const FLAG = {
	loginRequired: 0x4,
	protectedAuthenticationPath: 0x100,
	initialized: 0x400,
	userPinFinalTry: 0x20000,
	userPinLocked: 0x40000,
} as const;

const PIN_REASONS: Readonly<Record<string, string>> = {
	CKR_PIN_INCORRECT: "the PIN is wrong",
	CKR_PIN_INVALID: "the PIN is wrong",
	CKR_PIN_LEN_RANGE: "the PIN is wrong, as its length shows",
	CKR_PIN_LOCKED: "its PIN is locked after too many wrong ones; its security officer unlocks it",
	CKR_PIN_EXPIRED: "its PIN has expired; set a new one with the token's own tool",
	CKR_USER_PIN_NOT_INITIALIZED: "it has no PIN yet; set one with the token's own tool",
};
