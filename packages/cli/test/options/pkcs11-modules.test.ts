/**
 * Tests that a misbehaving PKCS#11 module cannot make sigtool hang, lie or lose a catalog, and that the module's
 * process never outlives sigtool.
 */

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openPkcs11Signer, parsePkcs11Uri } from "@sigtool/core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasProgram, spawn } from "../../../../test/outside.js";
import {
	canLoadPkcs11,
	hasSoftToken,
	makeShim,
	makeSoftToken,
	PIN,
	SOFTHSM_MODULE,
	type SoftToken,
} from "../soft-token.js";
import { type Authority, atEndOfFile, MAIN, makeAuthority, makeTree, runner, temporaryDirectory } from "../support.js";
import { hasTerminal, onTerminal } from "../terminal.js";

const canRun = hasSoftToken && canLoadPkcs11 && hasProgram("gcc");

describe.skipIf(!canRun)("PKCS#11 modules (needs SoftHSM2, opensc, @sigtool/native, gcc)", () => {
	let home: string;
	let tree: string;
	let token: SoftToken;
	let shim: string;
	let rsa: Authority;
	let sigtool: ReturnType<typeof runner>;
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		tree = makeTree(join(home, "tree"), { "a.js": "1" });
		sigtool = runner(home);
		token = makeSoftToken(join(home, "token"));
		shim = makeShim(home);
		rsa = makeAuthority(join(home, "rsa"));
		const other = makeAuthority(join(home, "other"));
		token.importKey(rsa.keyFile, { label: "signer", id: "01" });
		token.importCertificate(rsa.certFile, { label: "signer", id: "01" });
		token.importKey(rsa.keyFile, { label: "one label", id: "0b" });
		token.importCertificate(rsa.certFile, { label: "one label", id: "0b" });
		token.importKey(other.keyFile, { label: "one label", id: "0c" });
		for (const label of ["first of id", "second of id", "equal", "equal"]) {
			const id = label === "equal" ? "0e" : "0d";
			token.importKeyAgain(other.keyFile, { label, id });
		}
	});
	const pidFile = () => join(home, "pid");
	afterEach(() => rmSync(pidFile(), { force: true }));

	const environment = (state: string) => ({
		...token.env,
		SHIM: state,
		SHIM_MODULE: SOFTHSM_MODULE,
		SHIM_PID: pidFile(),
		SIGTOOL_PIN: PIN,
	});
	const signArguments = (key: string, ...options: string[]) => {
		return ["sign", tree, "--pkcs11", `pkcs11:${key}`, "--pkcs11-module", shim, ...options];
	};
	/** Signs with the PKCS#11 module of pkcs11-shim.c, which behaves as `state` says. */
	const sign = (state: string, key = "id=%01", ...options: string[]) => {
		const seconds = /^(hang|stop)/.test(state) ? "3" : "30";
		return sigtool(signArguments(key, "--signer-timeout", seconds, ...options), { env: environment(state) });
	};

	describe("of several keys", () => {
		it.each([
			[
				"of one label are told apart by id",
				"object=one%20label",
				"it holds 2 such private keys; name one: id=%0b, id=%0c",
			],
			["of one id are told apart by label", "id=%0D", "name one: object=first%20of%20id, object=second%20of%20id"],
			["of one label and id", "id=%0E", "some have the same label and id, so no URI tells them apart; change one"],
		])("those %s, also when a module finds one at a time", (_, key, message) => {
			for (const state of ["", "one-at-a-time"]) {
				const run = sign(state, key);
				expect([run.status, run.stderr]).toEqual([2, expect.stringContaining(message)]);
				expect(run.stderr).toContain("[ERR_PKCS11]");
			}
		});

		it("the named one signs", () => {
			expect(sign("one-at-a-time", "object=one%20label;id=%0B")).toMatchObject({ status: 0 });
			expect(sigtool(["verify", tree, "--trust", rsa.caFile])).toMatchObject({ status: 0 });
		});

		it("a module that finds keys without end is refused", () => {
			const run = sign("endless");
			expect(run.stderr).toContain("it lists more than 1000 objects of one kind [ERR_PKCS11]");
			expect(run.status).toBe(2);
		});
	});

	describe("a module that", () => {
		const OVER = "no answer within 3 s; --signer-timeout allows more";
		const EXITED = "the module ended its process with exit status 0";
		// exit() runs the destructors of Node.js while its other threads work, which now and then ends the process by a
		// signal before it has exited.
		const EXITED_OR_CRASHED = /the module ended its process with exit status 0|was ended by SIG(ABRT|SEGV)/;
		it.each([
			["hang", "initialize", OVER],
			["hang", "login", OVER],
			["hang", "sign", OVER],
			["stop", "sign", OVER],
			["exit", "load", EXITED_OR_CRASHED],
			["_exit", "find", EXITED],
			["exit", "sign", EXITED_OR_CRASHED],
			["_exit", "sign", EXITED],
			["abort", "login", "the module's process was ended by SIGABRT"],
			["crash", "load", "the module's process was ended by SIGSEGV"],
			["crash", "sign", "the module's process was ended by SIGSEGV"],
			["babble", "sign", "the module's process gave an answer that cannot be used"],
			["flood", "sign", "the module's process gave an answer that is too long"],
			["hang-up", "sign", "the module's process was ended by SIGKILL"],
		])("does %s in %s makes an error, and leaves the old catalog", (misdeed, place, message) => {
			expect(sigtool(["sign", tree, "--key", rsa.keyFile, "--cert", rsa.certFile])).toMatchObject({ status: 0 });
			const before = readFileSync(join(tree, "tree.cat"));
			const run = sign(`${misdeed} ${place}`);
			expect([run.status, run.stderr]).toEqual([2, expect.stringMatching(message)]);
			expect(run.stderr).toMatch(/^error: Cannot [^\n]*\[ERR_PKCS11\]\n$/);
			expect(run.stdout).toBe("");
			expect(readFileSync(join(tree, "tree.cat"))).toEqual(before);
		});

		it.each([
			["find", 'Cannot look for objects in the token "release"'],
			["sign", 'Cannot sign with the token "release"'],
		])("tells in %s a length that cannot be true is refused", (place, action) => {
			rmSync(join(tree, "tree.cat"), { force: true });
			const run = sign(`untrue ${place}`);
			expect(run.stderr).toBe(`error: ${action}: the module told a length that cannot be true [ERR_PKCS11]\n`);
			expect([run.status, existsSync(join(tree, "tree.cat"))]).toEqual([2, false]);
		});

		it("answers in the place of its function gets no signature into a catalog", () => {
			rmSync(join(tree, "tree.cat"), { force: true });
			const run = sign("forge sign");
			// If the module's own answer arrives together with the forged one, sigtool gets two answers to one
			// question.
			expect(run.stderr).toMatch(/the signature does not verify with the certificate|an answer that cannot be used/);
			expect([run.status, existsSync(join(tree, "tree.cat"))]).toEqual([2, false]);
		});

		it.each(["exit finalize", "crash finalize", "hang finalize"])(
			"does %s when everything is signed changes nothing, because the signature is verified",
			(state) => {
				rmSync(join(tree, "tree.cat"), { force: true });
				expect(sign(state)).toMatchObject({ status: 0, stderr: "" });
				expect(sigtool(["verify", tree, "--trust", rsa.caFile])).toMatchObject({ status: 0 });
			},
		);

		it("writes to standard output and standard error does not get into ours", () => {
			const run = sign("talk", "id=%01", "--json");
			expect([run.status, run.stderr]).toEqual([0, ""]);
			expect(run.json()).toMatchObject({ command: "sign", exit: 0 });
			expect(sign("talk", "id=%01", "--quiet")).toMatchObject({ status: 0, stdout: "", stderr: "" });
		});

		it("hangs is ended when sigtool is killed", async () => {
			const env = { ...process.env, ...environment("hang sign"), XDG_CONFIG_HOME: join(home, "config") };
			const log = join(home, "log");
			const child = spawn(process.execPath, [MAIN, ...signArguments("id=%01")], {
				env: { ...env, SHIM_LOG: log },
				stdio: "ignore",
			});
			await until(() => existsSync(log) && readFileSync(log, "utf8").includes("hang\n"));
			const pid = Number(readFileSync(pidFile(), "utf8"));
			expect(pid).not.toBe(child.pid);
			expect(isRunning(pid)).toBe(true);
			child.kill("SIGKILL");
			await until(() => !isRunning(pid));
			expect(isRunning(pid)).toBe(false);
		});

		it("hangs is ended at the end of the time limit", async () => {
			expect(sign("hang sign")).toMatchObject({ status: 2 });
			const pid = Number(readFileSync(pidFile(), "utf8"));
			await until(() => !isRunning(pid));
			expect(isRunning(pid)).toBe(false);
		});

		it("ends the process does not end a program that uses the library, and can be opened again", async () => {
			const names = ["SHIM", "SHIM_MODULE", "SHIM_PID", "SOFTHSM2_CONF"] as const;
			const open = async (state: string) => {
				// The child process gets these variables by inheritance from this process.
				const variables = { SHIM: state, SHIM_MODULE: SOFTHSM_MODULE, SHIM_PID: pidFile(), ...token.env };
				Object.assign(process.env, variables);
				const uri = parsePkcs11Uri("pkcs11:id=%01");
				return openPkcs11Signer({ uri, modulePath: shim, pin: () => PIN, timeoutMs: 20_000 }).finally(() => {
					for (const name of names) delete process.env[name];
				});
			};
			await expect(open("exit login")).rejects.toMatchObject({ code: "ERR_PKCS11" });
			const first = await open("_exit sign");
			const content = Buffer.from("content");
			await expect(first.sign(content)).rejects.toMatchObject({
				code: "ERR_PKCS11",
				message: 'Cannot sign with the token "release": the module ended its process with exit status 0',
			});
			const second = await open("");
			first.close();
			expect(await second.sign(content)).toHaveLength(256);
			const pid = readFileSync(pidFile(), "utf8").trim();
			expect(existsSync(`/proc/${pid}`)).toBe(true);
			second.close();
			await expect(second.sign(content)).rejects.toMatchObject({ code: "ERR_PKCS11" });
			await until(() => !existsSync(`/proc/${pid}`));
			expect(existsSync(`/proc/${pid}`)).toBe(false);
		});
	});

	describe("the PIN", () => {
		it.skipIf(!hasTerminal).each([
			["final-try", 'Warning: the next wrong PIN locks the token "release"'],
			["count-low", 'Warning: the token "release" has seen a wrong PIN, and more of them lock it'],
		])("is asked for below the warning, even with --quiet and --json (%s, needs script)", async (state, warning) => {
			for (const option of ["--verbose", "--quiet", "--json"]) {
				const { SIGTOOL_PIN: _, ...env } = environment(state);
				const args = signArguments("id=%01", option);
				const shown = await onTerminal(args, { ...env, XDG_CONFIG_HOME: join(home, "config") }, [PIN]);
				expect([shown.text, shown.status]).toEqual([expect.stringContaining(`${warning}\r\nPIN of the token`), 0]);
			}
		});

		it("is followed by what a wrong one did, when nobody reads a warning first", () => {
			const wrong = (state: string) =>
				sigtool(signArguments("id=%01"), { env: { ...environment(state), SIGTOOL_PIN: "0000" } });
			expect(wrong("final-try").stderr).toContain("the PIN is wrong, and the next wrong one locks the token [ERR_PIN]");
			expect(wrong("locks").stderr).toContain("the PIN is wrong, and the token is locked now [ERR_PIN]");
			expect(sign("")).toMatchObject({ status: 0 });
		});

		it.skipIf(!hasTerminal)("may be typed for longer than the time limit (needs script)", async () => {
			const { SIGTOOL_PIN: _, ...env } = environment("");
			const args = signArguments("id=%01", "--signer-timeout", "6");
			const shown = await onTerminal(args, { ...env, XDG_CONFIG_HOME: join(home, "config") }, [PIN], 8000);
			expect([shown.text, shown.status]).toEqual([expect.stringContaining("signed"), 0]);
		});
	});
});

function isRunning(pid: number): boolean {
	try {
		// A process that has ended counts as ended, even if nobody has waited for it (state Z).
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
	} catch {
		return false;
	}
}

async function until(condition: () => boolean): Promise<void> {
	for (let tries = 0; tries < 1200 && !condition(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
}
