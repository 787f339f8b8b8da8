import {
	closeSync,
	existsSync,
	ftruncateSync,
	mkdirSync,
	openSync,
	readdirSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasLauncher } from "../../../test/launcher.js";
import { type ChildProcess, spawn, spawnSync } from "../../../test/outside.js";
import { giveDevelopmentIdentity } from "./development-identity.js";
import { isSingleFile, MAIN, makeTree, runner, temporaryDirectory } from "./support.js";

/** A file of this size takes longer to hash than a test may take. */
const BIG_BYTES = 2 ** 42;

const PYTHON = "/usr/bin/python3";

interface End {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly output: string;
}

interface Started {
	readonly child: ChildProcess;
	readonly end: Promise<End>;
}

function start(home: string, ...args: string[]): Started {
	return startIn({ home, temporary: tmpdir() }, ...args);
}

function startIn({ home, temporary }: { home: string; temporary: string }, ...args: string[]): Started {
	const config = { XDG_CONFIG_HOME: join(home, "config"), TMPDIR: temporary };
	const env = { ...process.env, NO_COLOR: "1", no_proxy: "*", ...config };
	const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
	onTestFinished(() => void child.kill("SIGKILL"));
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream?.on("data", (piece) => (output += piece));
	const end = new Promise<End>((resolve) => child.on("close", (code, signal) => resolve({ code, signal, output })));
	return { child, end };
}

/** Waits until the process has read some of a file that takes long to hash. */
async function untilHashing({ pid }: ChildProcess, file: string): Promise<void> {
	const isOpen = () =>
		readdirSync(`/proc/${pid}/fd`).some((name) => {
			return spawnSync("readlink", [`/proc/${pid}/fd/${name}`], { encoding: "utf8" }).stdout.trim() === file;
		});
	while (!isOpen()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function treeWithBigFile(): { readonly home: string; readonly root: string; readonly big: string } {
	const home = temporaryDirectory();
	giveDevelopmentIdentity(join(home, "config"));
	const root = makeTree(join(home, "tree"), { small: "1" });
	const big = join(root, "big");
	const descriptor = openSync(big, "w");
	ftruncateSync(descriptor, BIG_BYTES); // It has no blocks on the disk.
	closeSync(descriptor);
	return { home, root, big };
}

describe.skipIf(process.platform !== "linux" || isSingleFile)("Ctrl-C, SIGTERM and SIGHUP", () => {
	test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
		"%s ends sign soon, by the signal itself, and leaves nothing",
		async (name) => {
			const { home, root, big } = treeWithBigFile();
			const { child, end } = start(home, "sign", root);
			await untilHashing(child, big);
			child.kill(name);
			expect(await end).toEqual({ code: null, signal: name, output: "" });
			expect(readdirSync(root)).toEqual(["big", "small"]);
		},
	);

	test("end verify, with and without options", async () => {
		const { home, root, big } = treeWithBigFile();
		writeFileSync(big, "");
		expect(runner(home)(["sign", root]).status).toBe(0);
		const descriptor = openSync(big, "r+");
		ftruncateSync(descriptor, BIG_BYTES);
		closeSync(descriptor);
		for (const args of [
			["verify", root],
			["verify", root, "--json"],
			["verify", big],
		]) {
			const { child, end } = start(home, ...args);
			await untilHashing(child, big);
			child.kill("SIGINT");
			expect(await end).toEqual({ code: null, signal: "SIGINT", output: "" });
		}
	});

	test("end sign while an authority is asked for a timestamp", async () => {
		const home = temporaryDirectory();
		giveDevelopmentIdentity(join(home, "config"));
		const root = makeTree(join(home, "tree"), { a: "1" });
		const sigtool = runner(home);
		const made = sigtool(["identity", "new", "tsa", "--ca"]);
		expect(made).toMatchObject({ status: 0 });
		const certificate = join(home, "config/sigtool/identities/tsa/certificate.pem");
		const server = createServer().listen(0, "127.0.0.1");
		const asked = new Promise((resolve) => server.once("request", resolve));
		onTestFinished(() => {
			server.closeAllConnections();
			server.close();
		});
		await new Promise((resolve) => server.once("listening", resolve));
		const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const { child, end } = start(home, "sign", root, "--timestamp", url, "--tsa-trust", certificate);
		await Promise.race([asked, end]);
		child.kill("SIGINT");
		expect(await end).toEqual({ code: null, signal: "SIGINT", output: "" });
		expect(readdirSync(root)).toEqual(["a"]);
	});

	test.skipIf(!hasLauncher).each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
		"%s ends run and audit before the program starts, and leaves nothing (launcher)",
		async (name) => {
			const { home, root, big } = treeWithBigFile();
			writeFileSync(big, "");
			expect(runner(home)(["sign", root]).status).toBe(0);
			truncateSync(big, BIG_BYTES);
			const temporary = join(home, "temporary");
			mkdirSync(temporary);
			const script = join(root, "small");
			for (const args of [
				["run", "--allow-development", script],
				["audit", "--log", join(home, "events"), script],
			]) {
				const { child, end } = startIn({ home, temporary }, ...args);
				await untilHashing(child, big);
				child.kill(name);
				expect(await end).toEqual({ code: null, signal: name, output: "" });
				expect(readdirSync(temporary)).toEqual([]);
			}
		},
	);

	test.skipIf(!existsSync(PYTHON))("end python gaps, which leaves nothing (needs /usr/bin/python3)", async () => {
		const home = temporaryDirectory();
		giveDevelopmentIdentity(join(home, "config"));
		const [temporary, library, started, go] = ["temporary", "library", "started", "go"].map((name) => join(home, name));
		mkdirSync(temporary);
		mkdirSync(library);
		// It stands for a spython that runs a program until the file `go` is there.
		const facts = {
			python: "3.13.5",
			home: library,
			executable: PYTHON,
			program: PYTHON,
			pins: [],
			development: false,
		};
		const spython = join(home, "spython");
		const script = `
			[ "$1" = --about ] && { echo '${JSON.stringify(facts)}'; exit; }
			: > ${started}
			while [ ! -e ${go} ]; do sleep 0.01; done
			echo good-ran-42
		`;
		writeFileSync(spython, `#!/bin/sh${script}`, { mode: 0o755 });
		const { child, end } = startIn({ home, temporary }, "python", "gaps", "--spython", spython);
		while (!existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 10));
		child.kill("SIGINT");
		writeFileSync(go, "");
		expect(await end).toEqual({ code: null, signal: "SIGINT", output: "" });
		expect(readdirSync(temporary)).toEqual([]);
	});

	test("a shell sees exit status 130", () => {
		const { home, root } = treeWithBigFile();
		const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
		const script = '"$0" "$1" sign "$2" & sleep 1; kill -INT $!; wait $!; echo $?';
		// A shell without job control starts programs in the background with SIGINT ignored, so job control is on.
		const { stdout } = spawnSync("bash", ["-mc", script, process.execPath, MAIN, root], { env, encoding: "utf8" });
		expect(stdout).toBe("130\n");
	});
});
