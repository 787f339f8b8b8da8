import { describe, expect, it } from "vitest";
import type { Cryptoki } from "../../../dist/signer/pkcs11/pkcs11-api.js";
import { ModuleGone } from "../../../dist/signer/pkcs11/pkcs11-channel.js";
import { startDeadline } from "../../../dist/signer/pkcs11/pkcs11-deadline.js";
import { findKey } from "../../../dist/signer/pkcs11/pkcs11-objects.js";
import { remoteCryptoki } from "../../../dist/signer/pkcs11/pkcs11-remote.js";
import { findToken } from "../../../dist/signer/pkcs11/pkcs11-token.js";
import { parsePkcs11Uri } from "../../../dist/signer/pkcs11/pkcs11-uri.js";

const HANDLE = Buffer.alloc(8, 7);
const ANY = parsePkcs11Uri("pkcs11:");

/**
 * Makes a module with a clock. Each call to the module takes `callMs` on this clock, and nothing else advances the
 * clock.
 */
function slowModule(callMs: number, answer: (name: string) => unknown) {
	let nowMs = 0;
	const asked: { name: string; timeoutMs: number }[] = [];
	const ask = ({ name }: { name: string }, timeoutMs: number) => {
		asked.push({ name, timeoutMs });
		nowMs += Math.min(callMs, timeoutMs);
		if (callMs > timeoutMs) throw new ModuleGone(`no answer within ${timeoutMs / 1000} s`);
		return { value: answer(name) };
	};
	const deadline = startDeadline(1000, () => nowMs);
	const wait = (ms: number) => {
		nowMs += ms;
	};
	return { asked, wait, cryptoki: remoteCryptoki({ ask, isOpen: () => true, close() {} }, deadline) };
}

const sessionOf = (cryptoki: Cryptoki) => ({ cryptoki, slot: HANDLE, handle: HANDLE, label: "release" });

describe("the search in a PKCS#11 module", () => {
	it("ends after five times the limit of a call, when each call answers in time", () => {
		const { asked, cryptoki } = slowModule(900, (name) =>
			name === "C_FindObjects" ? [HANDLE.toString("base64")] : null,
		);
		expect(() => findKey(sessionOf(cryptoki), ANY)).toThrow(
			/the module took more than 5 s before it signed; --signer-timeout allows more$/,
		);
		expect(asked.map(({ timeoutMs }) => timeoutMs)).toEqual([1000, 1000, 1000, 1000, 1000, 500]);
		expect(() => cryptoki.C_Initialize()).toThrow(ModuleGone);
		expect(asked).toHaveLength(6);
	});

	it("counts no time between calls, in which a person types the PIN", () => {
		const { cryptoki, wait } = slowModule(900, () => null);
		for (let call = 0; call < 5; call++) {
			cryptoki.C_Initialize();
			wait(600_000);
		}
		expect(() => cryptoki.C_Initialize()).toThrow(/took more than 5 s/);
	});

	it("keeps the limit of each call, and its reason", () => {
		const { asked, cryptoki } = slowModule(1001, () => null);
		expect(() => cryptoki.C_Initialize()).toThrow("no answer within 1 s");
		expect(asked).toHaveLength(1);
	});

	it.each([64, 65])("looks at 64 slots at most (%i)", (slots) => {
		const info = { label: "a", manufacturerID: "", model: "", serialNumber: "", flags: 0 };
		const { asked, cryptoki } = slowModule(0, (name) =>
			name === "C_GetSlotList" ? Array(slots).fill(HANDLE.toString("base64")) : info,
		);
		const message =
			slots > 64 ? "the module has 65 slots with tokens, at most 64 are looked at" : "the module has none";
		expect(() => findToken(cryptoki, ANY)).toThrow(`Cannot find the token: ${message}`);
		expect(asked.filter(({ name }) => name === "C_GetTokenInfo")).toHaveLength(slots > 64 ? 0 : 64);
	});

	it("takes 1,000 objects of one kind at most", () => {
		const { asked, cryptoki } = slowModule(0, (name) =>
			name === "C_FindObjects" ? [HANDLE.toString("base64")] : null,
		);
		expect(() => findKey(sessionOf(cryptoki), ANY)).toThrow("it lists more than 1000 objects of one kind");
		expect(asked.filter(({ name }) => name === "C_FindObjects")).toHaveLength(1001);
	});
});

/** Makes a session with a token. The token has keys with these labels and ids, and none has the name in the URI. */
function tokenWith(keys: readonly (readonly [label: string, id: string])[]) {
	let found: Buffer[] = [];
	const handleOf = (index: number) => {
		const handle = Buffer.alloc(8);
		handle.writeUInt32LE(index);
		return handle;
	};
	const cryptoki: Partial<Cryptoki> = {
		C_FindObjectsInit(_, template) {
			found = template.length === 1 ? keys.map((_, index) => handleOf(index)) : [];
		},
		C_FindObjects: () => found.splice(0),
		C_FindObjectsFinal() {},
		C_GetAttributeValue(_, object, type) {
			const [label, id] = keys[object.readUInt32LE()];
			return type === 3 ? Buffer.from(label) : Buffer.from(id, "hex");
		},
	};
	// The type assertion is safe: if a key is missing, `findKey` calls no other functions.
	return sessionOf(cryptoki as Cryptoki);
}

describe("findKey() for a name that no key has", () => {
	const uri = parsePkcs11Uri("pkcs11:object=nobody");

	it("lists the keys there are, as a URI names them", () => {
		const session = tokenWith([
			["signer", "01"],
			["", "0b"],
			["\u001b[31m müde", ""],
			["", ""],
		]);
		expect(() => findKey(session, uri)).toThrow(
			/it holds no such private key; it has id=%0b, object=%1b%5b31m%20m%c3%bcde, object=signer;id=%01, one without label and id$/,
		);
	});

	it("lists five keys at most, and only the beginning of a long label", () => {
		const session = tokenWith(Array.from({ length: 9 }, (_, index) => [`${index}${"x".repeat(100_000)}`, ""]));
		expect(() => findKey(session, uri)).toThrow(/it has (object=\dx{63}…, ){4}object=4x{63}… and 4 more$/);
	});

	it("says that a token has no key at all", () => {
		expect(() => findKey(tokenWith([]), uri)).toThrow("it holds no private key; check the PIN");
	});
});
