import { createPrivateKey } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { spawn, spawnSync } from "../../../../../test/outside.js";
import { temporaryDirectory } from "../../../../../test/temporary.js";
import { spkiSha256 } from "../../../dist/pki/certificate.js";
import {
	createIdentity,
	developmentIdentity,
	listIdentities,
	openIdentity,
	showIdentity,
} from "../../../dist/signer/identity/identities.js";
import { expectError } from "../../pki/expect-error.js";
import { expectRejection, expectToSign } from "../material.js";

const MODULE = new URL("../../../dist/signer/identity/identities.js", import.meta.url).href;

let home: string;
let identities: string;
beforeEach(() => {
	home = temporaryDirectory();
	identities = join(home, "sigtool", "identities");
	vi.stubEnv("XDG_CONFIG_HOME", home);
	vi.stubEnv("APPDATA", home);
});
afterEach(() => {
	vi.unstubAllEnvs();
});

describe("developmentIdentity()", () => {
	it("makes a marked RSA 3072 identity once, and returns it from then on", async () => {
		const first = await developmentIdentity();
		expect(first.development).toBe(true);
		expect(first.algorithm).toBe("rsa-pkcs1-sha256");
		const [certificate] = first.certificates;
		expect(certificate.keyAlgorithm).toEqual({ kind: "rsa", bits: 3072 });
		expect(certificate.subject.text).toMatch(/^CN=sigtool development \(.+@.+\)$/);
		const years = (certificate.notAfter - Date.now()) / 86_400_000 / 365;
		expect(years).toBeGreaterThan(9.99);
		await expectToSign(first);
		const second = await developmentIdentity();
		expect(spkiSha256(second.certificates[0])).toBe(spkiSha256(certificate));
	});

	it.skipIf(process.platform === "win32")("keeps key and directories to their owner", async () => {
		await developmentIdentity();
		const modes = ["", "development", "development/key.pem"].map(
			(name) => statSync(join(identities, name)).mode & 0o777,
		);
		expect(modes).toEqual([0o700, 0o700, 0o600]);
		expect(readFileSync(join(identities, "development/key.pem"), "latin1")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
	});

	it("gives the same identity to four processes that make it at the same time", async () => {
		const script = `
			import { developmentIdentity } from ${JSON.stringify(MODULE)};
			const { certificates } = await developmentIdentity();
			console.log(Buffer.from(certificates[0].serial).toString("hex"));`;
		const serials = await Promise.all(
			Array.from({ length: 4 }, () => {
				const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
					stdio: ["ignore", "pipe", "inherit"],
				});
				let output = "";
				child.stdout.on("data", (chunk) => {
					output += chunk;
				});
				return new Promise<string>((resolve) => child.once("close", () => resolve(output)));
			}),
		);
		expect(serials[0]).toMatch(/^[0-9a-f]{32}\n$/);
		expect(new Set(serials).size).toBe(1);
		expect(readdirSync(identities)).toEqual(["development"]);
	});

	it("refuses an identity in its place that lacks the marker", async () => {
		await createIdentity("release", { keyType: "p256", subject: "Release", days: 1 });
		mkdirSync(join(identities, "development"));
		for (const name of ["key.pem", "certificate.pem"]) {
			writeFileSync(join(identities, "development", name), readFileSync(join(identities, "release", name)));
		}
		expect((await expectRejection("ERR_CONFIG", developmentIdentity())).message).toMatch(
			/lacks the development marker$/,
		);
	});
});

describe("createIdentity()", () => {
	it.each([
		["rsa-3072", { kind: "rsa", bits: 3072 }],
		["p256", { kind: "ec", curve: "P-256" }],
		["p384", { kind: "ec", curve: "P-384" }],
	] as const)("makes a %s key, which signs and is not a development identity", async (keyType, keyAlgorithm) => {
		const identity = await createIdentity("release-1.0", { keyType, subject: "Acme, Inc.", days: 90 });
		expect(identity.name).toBe("release-1.0");
		expect(identity.development).toBe(false);
		expect(identity.certificate.keyAlgorithm).toEqual(keyAlgorithm);
		expect(identity.certificate.subject.text).toBe("CN=Acme\\, Inc.");
		expect(Math.round((identity.certificate.notAfter - Date.now()) / 86_400_000)).toBe(90);
		await expectToSign(await openIdentity("release-1.0"));
	});

	it("never replaces an identity", async () => {
		const options = { keyType: "p256", subject: "Release", days: 1 } as const;
		const { keyFile } = await createIdentity("release", options);
		const key = readFileSync(keyFile);
		await expectRejection("ERR_USAGE", createIdentity("release", options));
		expect(readFileSync(keyFile)).toEqual(key);
		createPrivateKey(key);
	});

	it.each([
		["../evil"],
		["a/b"],
		["a\\b"],
		[""],
		["."],
		[".hidden"],
		["-option"],
		["Upper"],
		["naïve"],
		["a\0b"],
		["a".repeat(65)],
		["development"],
	])("refuses the name %j", async (name) => {
		await expectRejection("ERR_USAGE", createIdentity(name, { keyType: "p256", subject: "x", days: 1 }));
		expect(readdirSync(home)).toEqual([]);
	});

	it("refuses a subject that is too long, and makes nothing", async () => {
		await expectRejection("ERR_USAGE", createIdentity("long", { keyType: "p256", subject: "x".repeat(65), days: 1 }));
		expect(readdirSync(home)).toEqual([]);
	});
});

describe("listIdentities() and showIdentity()", () => {
	it("find no identity at first, then all of them sorted by name", async () => {
		expect(listIdentities()).toEqual([]);
		for (const name of ["b", "a"]) await createIdentity(name, { keyType: "p256", subject: name, days: 1 });
		await developmentIdentity();
		mkdirSync(join(identities, ".a.left-over"));
		mkdirSync(join(identities, "empty"));
		expect(listIdentities().map(({ name, development }) => [name, development])).toEqual([
			["a", false],
			["b", false],
			["development", true],
		]);
		expect(showIdentity("a").certificateFile).toBe(join(identities, "a", "certificate.pem"));
	});

	it("report a name that does not exist, and a certificate that cannot be read", async () => {
		expectError("ERR_USAGE", () => showIdentity("nobody"));
		await expectRejection("ERR_USAGE", openIdentity("nobody"));
		mkdirSync(join(identities, "broken"), { recursive: true });
		writeFileSync(join(identities, "broken", "certificate.pem"), "nothing");
		expect(expectError("ERR_KEY", () => showIdentity("broken")).message).toContain("broken");
	});
});

it.skipIf(process.platform === "win32" || process.getuid?.() !== 0)(
	"developmentIdentity() works for a user without an entry in the password file",
	() => {
		const script = `
		import { developmentIdentity } from ${JSON.stringify(MODULE)};
		process.setuid(54321);
		console.log((await developmentIdentity()).certificates[0].subject.text);`;
		const open = temporaryDirectory();
		spawnSync("chmod", ["777", open]);
		const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
			encoding: "utf8",
			env: { ...process.env, XDG_CONFIG_HOME: open },
		});
		expect(stdout).toMatch(/^CN=sigtool development \(uid 54321@/);
	},
);
