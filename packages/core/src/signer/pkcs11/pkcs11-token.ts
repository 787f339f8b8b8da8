/**
 * Finds tokens and logs in to them. No message and no `cause` of an error contains a PIN, because only the CKR_ name of
 * a module's error is kept.
 */

import { quote, SigtoolError } from "../../errors.js";
import type { Cryptoki, Handle, TokenInfo } from "./pkcs11-api.js";
import { attempt, pkcs11Failure, returnName } from "./pkcs11-module.js";
import type { Pkcs11Uri } from "./pkcs11-uri.js";

export interface Token {
	readonly slot: Handle;
	readonly label: string;
	readonly needsPin: boolean;
	/**
	 * A text that the user has to read before typing the PIN, because a wrong PIN could lock the token soon. Otherwise
	 * undefined.
	 */
	readonly warning: string | undefined;
}

/**
 * Returns the only token that the URI names.
 * @throws ERR_PKCS11 if there is none, or more than one; ERR_PIN for a locked token
 */
export function findToken(cryptoki: Cryptoki, uri: Pkcs11Uri): Token {
	const slots = attempt("list tokens", () => cryptoki.C_GetSlotList(true));
	if (slots.length > MAX_SLOTS) {
		const reason = `the module has ${slots.length} slots with tokens, at most ${MAX_SLOTS} are looked at`;
		throw new SigtoolError("ERR_PKCS11", `Cannot find the token: ${reason}`);
	}
	const tokens = slots.flatMap((slot) => {
		const info = attempt("look at a token", () => cryptoki.C_GetTokenInfo(slot));
		return (info.flags & FLAG.initialized) === 0 ? [] : [{ slot, info }];
	});
	const [found, ...others] = tokens.filter(({ slot, info }) => isNamed(uri, slot, info));
	if (found === undefined) {
		const known = tokens.map(({ info }) => quote(trimmed(info.label))).join(", ");
		throw new SigtoolError("ERR_PKCS11", `Cannot find the token: the module has ${known || "none"}`);
	}
	if (others.length > 0) {
		const known = [found, ...others].map(({ info }) => `serial=${trimmed(info.serialNumber)}`).join(", ");
		throw new SigtoolError("ERR_PKCS11", `Cannot choose among ${others.length + 1} tokens: name one by ${known}`);
	}
	const { slot, info } = found;
	const label = trimmed(info.label);
	if ((info.flags & FLAG.userPinLocked) !== 0) throw pinFailure(label, PIN_REASONS.CKR_PIN_LOCKED);
	if ((info.flags & FLAG.protectedAuthenticationPath) !== 0) {
		const reason = "its PIN is entered on its own keypad, which sigtool does not support; use --signer-command";
		throw new SigtoolError("ERR_PKCS11", `Cannot log in to the token ${quote(label)}: ${reason}`);
	}
	return { slot, label, needsPin: (info.flags & FLAG.loginRequired) !== 0, warning: pinWarning(info) };
}

/**
 * Returns the text to read before the PIN of a token that few wrong attempts would lock. Otherwise returns undefined.
 */
function pinWarning({ label, flags }: TokenInfo): string | undefined {
	const token = `the token ${quote(trimmed(label))}`;
	if ((flags & FLAG.userPinFinalTry) !== 0) return `the next wrong PIN locks ${token}`;
	if ((flags & FLAG.userPinCountLow) !== 0) return `${token} has seen a wrong PIN, and more of them lock it`;
	return undefined;
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

/** A session with one token. */
export interface Session {
	readonly cryptoki: Cryptoki;
	readonly slot: Handle;
	readonly handle: Handle;
	/** Label of the token, for messages. */
	readonly label: string;
}

/**
 * Logs in to the token of a session. If another signer of this process has logged in already, does nothing.
 * @throws ERR_PIN, ERR_PKCS11
 */
export function logIn(session: Session, user: keyof typeof USER, pin: string): void {
	const { cryptoki, handle, label } = session;
	if (pin === "") throw pinFailure(label, "the PIN is empty; it was not tried, because wrong PINs lock the token");
	try {
		cryptoki.C_Login(handle, USER[user], pin);
	} catch (error) {
		const name = returnName(error);
		if (name === "CKR_USER_ALREADY_LOGGED_IN") return; // Another signer of this process logged in.
		const reason = PIN_REASONS[name];
		if (reason !== undefined) {
			throw pinFailure(label, name === "CKR_PIN_INCORRECT" ? `${reason}${outlook(session)}` : reason);
		}
		throw pkcs11Failure(`log in to the token ${quote(label)}`, error);
	}
}

/**
 * Returns the end of a sentence about a wrong PIN: that it locked the token, or that the next one will. Otherwise
 * returns "".
 */
function outlook({ cryptoki, slot }: Session): string {
	try {
		const { flags } = cryptoki.C_GetTokenInfo(slot);
		if ((flags & FLAG.userPinLocked) !== 0) return ", and the token is locked now";
		return (flags & FLAG.userPinFinalTry) === 0 ? "" : ", and the next wrong one locks the token";
	} catch {
		return "";
	}
}

function pinFailure(label: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_PIN", `Cannot log in to the token ${quote(label)}: ${reason}`);
}

/**
 * The numbers of CK_USER_TYPE. The user `contextSpecific` is for a key that needs the PIN again before each signature.
 */
const USER = { user: 1, contextSpecific: 2 } as const;

const MAX_SLOTS = 64;

/** The flags of CK_TOKEN_INFO. */
const FLAG = {
	loginRequired: 0x4,
	protectedAuthenticationPath: 0x100,
	initialized: 0x400,
	userPinCountLow: 0x10000,
	userPinFinalTry: 0x20000,
	userPinLocked: 0x40000,
} as const;

const PIN_REASONS: Readonly<Record<string, string>> = {
	CKR_PIN_INCORRECT: "the PIN is wrong",
	CKR_PIN_INVALID: "the PIN is wrong",
	CKR_PIN_LEN_RANGE: "the PIN is wrong: the token has none of this length",
	CKR_PIN_LOCKED: "its PIN is locked after too many wrong attempts; its security officer can unlock it",
	CKR_PIN_EXPIRED: "its PIN has expired; set a new one with the token's own tool",
	CKR_USER_PIN_NOT_INITIALIZED: "it has no PIN yet; set one with the token's own tool",
};
