/** Tests that no PKCS#11 module makes the addon use memory that is not its own, and that each lie becomes an error. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../../test/temporary.js";
import { UNTRUE_LENGTH } from "../../../dist/signer/pkcs11/pkcs11-api.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const native = here("../../../../native/");
const runtime = spawnSync("gcc", ["-print-file-name=libasan.so"], { encoding: "utf8" }).stdout?.trim() ?? "";
/** gcc prints only the name of a library that it does not have. */
const canSanitize = process.platform === "linux" && runtime.startsWith("/");

const ROOM_BYTES = 512 * 1024;
const ROOM_HANDLES = 4096;

describe.skipIf(!canSanitize)("the calls of PKCS#11 modules under sanitizers (needs gcc and libasan)", () => {
	let home: string;
	let addon: string;
	let module: string;
	const compile = (output: string, ...args: string[]) => {
		execFileSync("gcc", ["-shared", "-fPIC", "-g", "-O1", "-o", output, ...args, "-ldl", "-pthread"], {
			stdio: "pipe",
		});
	};
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		addon = join(home, "addon.node");
		module = join(home, "hostile.so");
		const sources = readdirSync(native).filter((file) => file.endsWith(".c"));
		const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
		compile(
			addon,
			"-std=c11",
			"-Wall",
			"-Wextra",
			"-Werror",
			...sanitizers,
			...sources.map((file) => join(native, file)),
		);
		compile(module, "-std=gnu11", "-Wall", "-Werror", here("hostile-pkcs11.c"));
	});

	/** Runs a script of Node.js with the sanitizers. A sanitizer that finds a fault ends it with another status. */
	function run(script: string, args: readonly string[]) {
		const env = { ...process.env, LD_PRELOAD: runtime, ASAN_OPTIONS: "detect_leaks=0" };
		const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
			encoding: "utf8",
			env,
		});
		expect([status, signal, stderr]).toEqual([0, null, ""]);
		return stdout;
	}

	type Outcomes = Record<string, (string | number)[]>;

	/** Calls every function in each state of the module. */
	function outcomes(states: readonly Record<string, string>[], rounds = 1, path = module): Outcomes[] {
		return JSON.parse(run(here("pkcs11-calls.cjs"), [addon, path, String(rounds), JSON.stringify(states)]));
	}

	it("uses lists of version 2 and 3", () => {
		for (const all of outcomes(
			["2.0", "2.1", "2.11", "2.40", "3.0", "3.2"].map((HOSTILE_VERSION) => ({ HOSTILE_VERSION })),
		)) {
			expect(all).toEqual({
				C_Initialize: ["none"],
				C_GetSlotList: [0],
				C_GetTokenInfo: ["label,manufacturerID,model,serialNumber,flags"],
				C_OpenSession: [8],
				C_Login: ["none"],
				C_FindObjectsInit: ["none"],
				C_FindObjects: [0],
				C_FindObjectsFinal: ["none"],
				C_GetAttributeValue: [0],
				C_SignInit: ["none"],
				C_Sign: [0],
				C_CloseSession: ["none"],
				C_Finalize: ["none"],
			});
		}
	});

	it("refuses lists of other versions, which may look otherwise", () => {
		const versions = ["0.0", "1.0", "1.255", "4.0", "255.255"];
		expect(outcomes(versions.map((HOSTILE_VERSION) => ({ HOSTILE_VERSION })))).toEqual(
			versions.map((version) => ({ load: [`it has PKCS#11 version ${version}, and sigtool uses 2 and 3`] })),
		);
	});

	it("refuses a library that is no module", () => {
		expect(outcomes([{ HOSTILE_VERSION: "none" }, { HOSTILE_LOAD: "0x80000005" }])).toEqual([
			{ load: ["it returns no list of its functions"] },
			{ load: ["CKR_VENDOR_DEFINED_0x80000005"] },
		]);
		const noModule = "it is no PKCS#11 module: it has no C_GetFunctionList";
		expect(outcomes([{}], 1, "libm.so.6")).toEqual([{ load: [noModule] }]);
		expect(outcomes([{}], 1, join(home, "none.so"))).toEqual([{ load: [expect.stringContaining("No such file")] }]);
		for (const path of ["", "/a\0b", `/${"x".repeat(5000)}`]) {
			const reason = "its path is empty, too long, or contains NUL";
			const script = `try { require(${JSON.stringify(addon)}).loadPkcs11(${JSON.stringify(path)}); }
				catch ({ message }) { process.stdout.write(message); }`;
			expect(run("-e", [script])).toBe(reason);
		}
	});

	it("refuses a list that lacks a function, and uses one that lacks only a function that sigtool does not call", () => {
		const called = {
			...{ C_Initialize: 0, C_Finalize: 1, C_GetSlotList: 4, C_GetTokenInfo: 6, C_OpenSession: 12 },
			...{ C_CloseSession: 13, C_Login: 18, C_GetAttributeValue: 24, C_FindObjectsInit: 26, C_FindObjects: 27 },
			...{ C_FindObjectsFinal: 28, C_SignInit: 42, C_Sign: 43 },
		};
		const lacking = (index: number) => ({ HOSTILE_LACKS: String(index) });
		expect(outcomes(Object.values(called).map(lacking))).toEqual(
			Object.keys(called).map((name) => ({ load: [`it lacks the function ${name}`] })),
		);
		expect(outcomes([2, 3, 5, 41, 44, 67].map(lacking)).map(({ C_Sign }) => C_Sign)).toEqual(Array(6).fill([0]));
	});

	it("takes results as long as the room that it offers, and none that is longer", () => {
		const lengths = ["offered", "offered+1", "0x100000000", "0x7fffffffffffffff", "0xfffffffffffffffe"];
		const [offered, ...more] = outcomes(lengths.map((HOSTILE_LENGTH) => ({ HOSTILE_LENGTH })));
		expect(offered).toMatchObject({
			C_GetSlotList: [ROOM_HANDLES],
			C_FindObjects: [100],
			C_GetAttributeValue: [ROOM_BYTES],
			C_Sign: [ROOM_BYTES],
		});
		expect(more).toHaveLength(4);
		for (const all of more) {
			expect(all).toMatchObject({
				C_GetSlotList: [UNTRUE_LENGTH],
				C_FindObjects: [UNTRUE_LENGTH],
				C_GetAttributeValue: [UNTRUE_LENGTH],
				C_Sign: [UNTRUE_LENGTH],
			});
		}
	});

	it("takes CK_UNAVAILABLE_INFORMATION for the empty value of an attribute, and for nothing else", () => {
		expect(outcomes([{ HOSTILE_LENGTH: "0xffffffffffffffff" }])).toMatchObject([
			{
				C_GetSlotList: [UNTRUE_LENGTH],
				C_FindObjects: [UNTRUE_LENGTH],
				C_GetAttributeValue: [0],
				C_Sign: [UNTRUE_LENGTH],
			},
		]);
	});

	it("gives every return value but success a name", () => {
		const names = {
			"0x5": "CKR_GENERAL_ERROR",
			"0x9": "CKR_NEED_TO_CREATE_THREADS",
			"0xa4": "CKR_PIN_LOCKED",
			"0x150": "CKR_BUFFER_TOO_SMALL",
			"0x1b9": "CKR_PUBLIC_KEY_INVALID",
			"0x200": "CKR_FUNCTION_REJECTED",
			"0x4": "CKR_0x00000004",
			"0x80000001": "CKR_VENDOR_DEFINED_0x80000001",
			"0xffffffffffffffff": "CKR_VENDOR_DEFINED_0xFFFFFFFFFFFFFFFF",
			// Only the lower half of this number is that of success.
			"0x100000000": "CKR_0x100000000",
		};
		const states = Object.keys(names).map((result) => ({ HOSTILE_RESULT: result, HOSTILE_LENGTH: "offered" }));
		const all = outcomes(states);
		expect(all.map((each) => [...new Set(Object.values(each).flat())])).toEqual(
			Object.values(names).map((name) => [name]),
		);
		expect(all.map((each) => Object.keys(each).length)).toEqual(all.map(() => 13));
	});

	it("withstands random results, lengths and contents", () => {
		const seeds = Array.from({ length: process.env.SIGTOOL_FULL ? 50 : 4 }, (_, index) => ({
			HOSTILE_SEED: String(index),
		}));
		for (const [seed, all] of outcomes(seeds, 250).entries()) {
			for (const outcome of Object.values(all).flat()) {
				if (typeof outcome === "number") expect(outcome).toBeLessThanOrEqual(ROOM_BYTES);
				else expect(outcome).toMatch(/^(none|label,.*|CKR_\w+|the module told a length that cannot be true)$/);
			}
			expect(all.C_Sign, `seed ${seed}`).toEqual(expect.arrayContaining([ROOM_BYTES, UNTRUE_LENGTH]));
		}
	});

	it("refuses arguments of wrong types and numbers", () => {
		const script = `
			const cryptoki = require(process.argv[1]).loadPkcs11(process.argv[2]);
			const handle = Buffer.alloc(8);
			const wrong = [undefined, null, -1, 0.5, NaN, 2 ** 32, "text", {}, [], Buffer.alloc(7), Buffer.alloc(9),
				new Uint16Array(4), new Float64Array(1), () => 1, Symbol(), 1n, Array(9).fill({ type: 1, value: 1 }),
				[{ type: 1 }], [{ type: -1, value: 1 }], [{ type: 1, value: "text" }], [null],
				{ get type() { throw new TypeError("thrown by the argument"); } }];
			const good = { C_GetSlotList: [true], C_GetTokenInfo: [handle], C_OpenSession: [handle, 4],
				C_CloseSession: [handle], C_Login: [handle, 1, "1"], C_FindObjectsInit: [handle, []],
				C_FindObjects: [handle, 1], C_FindObjectsFinal: [handle], C_GetAttributeValue: [handle, handle, 1],
				C_SignInit: [handle, 1, handle], C_Sign: [handle, handle] };
			const taken = [];
			for (const [name, args] of Object.entries(good)) {
				const tries = args.flatMap((_, at) => wrong.map((value) => args.with?.(at, value) ??
					args.map((arg, i) => (i === at ? value : arg))));
				for (const each of [[], args.slice(1), [...args, 1, 2, 3], ...tries]) {
					try {
						cryptoki[name](...each);
						taken.push(name + "(" + each.map((arg) => typeof arg).join() + ")");
					} catch (error) {
						if (!(error instanceof TypeError)) throw error;
					}
				}
			}
			process.stdout.write(JSON.stringify([...new Set(taken)]));`;
		const stdout = run("-e", [script, addon, module]);
		// A signature may be over any bytes, a template may be empty, and a PIN may be any text.
		expect(JSON.parse(stdout)).toEqual([
			"C_Login(object,number,string)",
			"C_FindObjectsInit(object,object)",
			"C_Sign(object,object)",
		]);
	});

	it("clears the PIN after the call, and refuses a longer one than it has room for", () => {
		const file = join(home, "pin");
		const script = `
			const cryptoki = require(process.argv[1]).loadPkcs11(process.argv[2]);
			const handle = Buffer.alloc(8);
			const { readFileSync } = require("node:fs");
			const seen = ["73 ünïq", "§".repeat(500), "x".repeat(1019), "x".repeat(1020), "x".repeat(5000)].map((pin) => {
				try {
					cryptoki.C_Login(handle, 1, pin);
					cryptoki.C_CloseSession(handle);
				} catch (error) { return error.message; }
				const [got, left] = readFileSync(process.env.HOSTILE_PIN, "utf8").trim().split("\\n");
				return [got === pin, left];
			});
			process.stdout.write(JSON.stringify(seen));`;
		// A sanitizer would put the PIN elsewhere, so this program is the addon as it is shipped.
		const shipped = join(native, "sigtool.node");
		const env = { ...process.env, HOSTILE_PIN: file };
		const { stdout } = spawnSync(process.execPath, ["-e", script, shipped, module], { encoding: "utf8", env });
		const [short, middle, longest, ...refused] = JSON.parse(stdout);
		for (const [[isWhole, left], bytes] of [
			[short, 9],
			[middle, 1000],
			[longest, 1019],
		]) {
			expect(isWhole).toBe(true);
			// Later calls leave a few equal bytes by chance. A PIN that is not cleared leaves more than half of its bytes.
			expect(Number(left)).toBeLessThan(bytes / 4);
		}
		expect(refused).toEqual(["CKR_PIN_LEN_RANGE", "CKR_PIN_LEN_RANGE"]);
	});
});
