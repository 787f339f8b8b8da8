import { createHash, createPublicKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { execFileSync, hasProgram, spawn } from "../../../../../test/outside.js";
import { bytesOf } from "../../../../core/test/log/chained-log.js";
import { consistencyProof, leafOf } from "../../../../core/test/log/rfc6962.js";
import { newKey, place, writeChained } from "./logs.js";

describe("sigtool log tiles", () => {
	it("writes tiles once, keeps them, and refuses those of another log", () => {
		const { directory, file, sigtool } = place();
		const { key } = newKey(directory);
		const write = (count: number) => writeChained(file("a"), count);
		const tiles = (...args: string[]) => sigtool(["log", "tiles", file("a"), "-o", file("tiles"), "--json", ...args]);
		const lines = write(300);
		sigtool(["log", "seal", file("a"), "-o", file("cp"), "--key", key, "--origin", "example.com/a"]);
		expect(tiles("--checkpoint", file("cp")).json()).toMatchObject({ exit: 0, size: 300, written: 5, kept: 0 });
		expect(readFileSync(file("tiles/checkpoint")).equals(readFileSync(file("cp")))).toBe(true);
		const bundle = readFileSync(file("tiles/tile/entries/001.p/44"));
		expect(bundle.toString("utf8", 2, 2 + bundle.readUInt16BE(0))).toBe(lines[256]);
		const hashes = readFileSync(file("tiles/tile/0/000"));
		expect(hashes.equals(Buffer.concat(lines.slice(0, 256).map(leafOf)))).toBe(true);
		// More lines: the full tiles stay, and the checkpoint still fits.
		write(600);
		expect(tiles("--checkpoint", file("cp")).json()).toMatchObject({ written: 0, kept: 5, size: 300 });
		expect(tiles().json()).toMatchObject({ written: 5, kept: 2, size: 600, checkpoint: null });
		writeFileSync(file("a"), bytesOf(lines.with(9, "x")));
		expect(tiles().json().error).toMatchObject({
			code: "ERR_LOG_CHANGED",
			message: expect.stringContaining("another log"),
		});
	});

	it.skipIf(!hasProgram("sigsum-witness"))("are of a log that Debian's witness cosigns", async () => {
		const { directory, file, sigtool } = place();
		const { key, pub } = newKey(directory);
		const raw = createPublicKey(readFileSync(pub)).export({ type: "spki", format: "der" }).subarray(-32);
		// This is the only form of an origin that this witness knows.
		const origin = `sigsum.org/v1/tree/${createHash("sha256").update(raw).digest("hex")}`;
		execFileSync("sigsum-key", ["generate", "-o", file("witness")]);
		execFileSync("sigsum-key", ["from-hex", "-o", file("log.ssh")], { input: raw.toString("hex") });
		const seal = (...args: string[]) =>
			sigtool(["log", "seal", file("a"), "-o", file("cp"), "--key", key, "--origin", origin, "--json", ...args]).json();
		const port = 20_000 + (process.pid % 20_000);
		const witness = spawn(
			"sigsum-witness",
			["-k", file("witness"), "--log-key", file("log.ssh"), "--state-file", file("state"), `127.0.0.1:${port}`],
			// Debian builds it as a program of an older Go, which would not know its own pattern "POST /add-checkpoint".
			{ env: { ...process.env, GODEBUG: "httpmuxgo121=0" }, stdio: "ignore" },
		);
		onTestFinished(() => {
			witness.kill();
		});
		const add = async (size: number, proof: readonly Buffer[]) => {
			const head = [`old ${size}`, ...proof.map((hash) => hash.toString("base64")), "", ""].join("\n");
			const body = head + readFileSync(file("cp"), "utf8");
			for (let tries = 0; ; tries++) {
				try {
					const response = await fetch(`http://127.0.0.1:${port}/add-checkpoint`, { method: "POST", body });
					return { status: response.status, text: await response.text() };
				} catch (error) {
					if (tries === 600) throw error;
					await new Promise((resolve) => setTimeout(resolve, 100));
				}
			}
		};
		writeChained(file("a"), 300);
		const { verifierKey } = seal();
		expect(execFileSync("sigsum-key", ["from-vkey"], { input: verifierKey }).toString()).toContain(
			readFileSync(file("log.ssh"), "utf8").split(" ")[1],
		);
		expect(await add(0, [])).toMatchObject({ status: 200, text: expect.stringMatching(/^\u2014 /) });
		writeChained(file("a"), 700);
		seal();
		// The proof is made of the tiles alone, as somebody else would make it.
		sigtool(["log", "tiles", file("a"), "-o", file("tiles"), "--checkpoint", file("cp")]);
		const hashes = ["000", "001", "002.p/188"].map((name) => readFileSync(file(`tiles/tile/0/${name}`)));
		const all = Buffer.concat(hashes);
		const leaves = Array.from({ length: 700 }, (_, index) => all.subarray(32 * index, 32 * index + 32));
		expect((await add(300, [])).status).not.toBe(200);
		const cosigned = await add(300, consistencyProof(300, leaves));
		expect(cosigned).toMatchObject({ status: 200 });
		// A checkpoint with a cosignature is one that verifies as before.
		writeFileSync(file("cosigned"), readFileSync(file("cp"), "utf8") + cosigned.text);
		const args = ["log", "verify", file("a"), "--checkpoint", file("cosigned"), "--trust", pub, "--json"];
		expect(sigtool(args).json()).toMatchObject({ exit: 0, covered: 700, checkpoints: [{ ignoredSignatures: 1 }] });
	});
});
