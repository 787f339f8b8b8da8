import { describe, expect, it } from "vitest";
import { ModuleGone } from "../../../dist/signer/pkcs11/pkcs11-channel.js";
import { PackageMissing, remoteCryptoki } from "../../../dist/signer/pkcs11/pkcs11-remote.js";
import { decodeAnswer, decodeCall, encodeAnswer, encodeCall } from "../../../dist/signer/pkcs11/pkcs11-wire.js";

const HANDLE = Buffer.alloc(8, 7);
const TOKEN = { label: "a", manufacturerID: "b", model: "c", serialNumber: "d", flags: 1 };

/** Returns the functions of a module. The module's process answers every call with these members. */
const answering = (answer: Record<string, unknown>) =>
	remoteCryptoki({ ask: () => answer, isOpen: () => true, close() {} }, 1000);

describe("remoteCryptoki()", () => {
	it("returns what an answer has", () => {
		const [eight, list] = [HANDLE.toString("base64"), [HANDLE.toString("base64")]];
		expect(answering({ value: eight }).C_OpenSession(HANDLE, 4)).toEqual(HANDLE);
		expect(answering({ value: list }).C_FindObjects(HANDLE, 1)).toEqual([HANDLE]);
		expect(answering({ value: eight }).C_GetAttributeValue(HANDLE, HANDLE, 3)).toEqual(HANDLE);
		expect(answering({ value: { ...TOKEN, more: 1 } }).C_GetTokenInfo(HANDLE)).toEqual(TOKEN);
		expect(answering({ value: null }).C_Login(HANDLE, 1, "1234")).toBeUndefined();
	});

	it.each<[string, (module: ReturnType<typeof answering>) => unknown, readonly unknown[]]>([
		["C_Login", (module) => module.C_Login(HANDLE, 1, "1"), [undefined, true, "", [], {}]],
		[
			"C_OpenSession",
			(module) => module.C_OpenSession(HANDLE, 4),
			[undefined, null, 7, "", "AAAA", "A".repeat(64), {}],
		],
		["C_FindObjects", (module) => module.C_FindObjects(HANDLE, 1), [undefined, null, "", {}, [1], ["AAAA"], [[]]]],
		["C_GetAttributeValue", (module) => module.C_GetAttributeValue(HANDLE, HANDLE, 3), [undefined, null, 1, ["AAAA"]]],
		["C_Sign", (module) => module.C_Sign(HANDLE, HANDLE), [undefined, null, 1, ["AAAA"]]],
		[
			"C_GetTokenInfo",
			(module) => module.C_GetTokenInfo(HANDLE),
			[
				...[undefined, null, [], "text", { ...TOKEN, flags: 1.5 }, { ...TOKEN, flags: "1" }, { ...TOKEN, label: 1 }],
				{ ...TOKEN, label: " ".repeat(1_000_000) },
			],
		],
	])("refuses answers to %s that cannot be true", (_, call, values) => {
		for (const value of values) expect(() => call(answering({ value })), JSON.stringify(value)).toThrow(ModuleGone);
	});

	it("throws the error that the module threw, and not all of an endless one", () => {
		const failing = (error: unknown) => () => answering({ error, value: null }).C_Initialize();
		expect(failing("CKR_PIN_INCORRECT:160")).toThrow("CKR_PIN_INCORRECT:160");
		expect(failing(`CKR_${"X".repeat(1_000_000)}`)).toThrow(/^CKR_X{1996}$/);
		expect(() => answering({ missing: true }).load("/a.so")).toThrow(PackageMissing);
	});
});

describe("the lines between sigtool and the process", () => {
	it("carry bytes and texts unchanged", () => {
		const call = {
			name: "C_Login",
			args: [Buffer.from([0, 10, 255]), 1, '71 ünïq"\n', [{ type: 1, value: HANDLE }], null],
		} as const;
		const line = encodeCall(call);
		expect(line.indexOf("\n")).toBe(line.length - 1);
		expect(decodeCall(line)).toEqual(call);
		expect(decodeAnswer(encodeAnswer({ value: [HANDLE] }))).toEqual({ value: [HANDLE.toString("base64")] });
	});

	it.each(["", "\n", "null", "1", '"text"', "{", "{}\n{}", "[".repeat(1_000_000), `${'{"value":'.repeat(100_000)}`])(
		"that are no answer (case %#) are none",
		(line) => {
			expect(decodeAnswer(line)).toBeUndefined();
		},
	);

	it("may be nested deeply, which costs nothing but memory", () => {
		const deep = `{"value":${"[".repeat(500_000)}${"]".repeat(500_000)}}`;
		const { value } = decodeAnswer(deep) ?? {};
		expect(Array.isArray(value)).toBe(true);
		expect(() => answering({ value }).C_FindObjects(HANDLE, 1)).toThrow(ModuleGone);
	});
});
