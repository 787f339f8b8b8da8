import { chmodSync, chownSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { makeAuthority, temporaryDirectory } from "../../../cli/test/support.js";
import { readHostConfiguration } from "../../dist/host/config.js";
import { faultOfFile } from "../../dist/host/owned-file.js";
import { sha256 } from "../support.js";

const HEX = sha256("");

/** Writes a configuration file that only its owner can write to. In CI the owner is root. */
function configure(content: unknown) {
	const directory = join(realpathSync(temporaryDirectory()), "etc");
	mkdirSync(directory, { mode: 0o755 });
	const file = join(directory, "verifier.json");
	writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o644 });
	return { directory, file, read: () => readHostConfiguration({ file, development }) };
}
const isRoot = process.getuid?.() === 0;
const development = isRoot ? "refuse" : "allow";
const invalid = (message: string) =>
	expect.objectContaining({ code: "ERR_HOST_CONFIG", message: expect.stringContaining(message) });

test("readHostConfiguration() reads every member", () => {
	const { file, read } = configure({
		version: 1,
		mode: "strict",
		onRefusal: "exit",
		pins: [{ "spki-sha256": HEX, name: "release" }],
		products: [{ name: "app", root: "/srv/app", minimumSequence: 3 }, { name: "lib" }],
		deny: [{ file: HEX, reason: "CVE" }],
		index: "/etc/sigtool/app.sigx",
		policy: "/etc/sigtool/policy.json",
		launcher: { node: [{ path: "/usr/bin/node", sha256: HEX }], bundle: { path: "/b.cjs", sha256: HEX } },
		audit: { jsonLines: "/var/log/audit.jsonl", stderr: "all", syslog: true },
	});
	const configuration = read();
	expect(configuration).toMatchObject({
		file,
		mode: "strict",
		onRefusal: "exit",
		products: [
			{ name: "app", root: "/srv/app", minimumSequence: 3 },
			{ name: "lib", root: undefined, minimumSequence: undefined },
		],
		deny: [{ kind: "file", sha256: HEX, reason: "CVE" }],
		index: "/etc/sigtool/app.sigx",
		audit: { jsonLines: "/var/log/audit.jsonl", stderr: "all", syslog: true },
	});
	expect(configuration.trust.pins.get(HEX)).toMatchObject({ label: "release" });
	expect(configuration.launcher?.node).toEqual([{ path: "/usr/bin/node", sha256: HEX }]);
});

test("the shortest configuration trusts nobody and reports refusals", () => {
	const { trust, products, audit, mode } = configure({ version: 1 }).read();
	expect([trust.pins.size, trust.authorities, products, mode]).toEqual([0, [], [], undefined]);
	expect(audit).toEqual({ collector: true, jsonLines: undefined, stderr: "refusals", syslog: false });
});

test.each<[document: unknown, message: string]>([
	["", "it is not JSON: it ends too early"],
	['{\n\t"version": 1\n\t"mode": "audit"\n}', "it is not JSON: line 3, column 2: Expected ',' or '}'"],
	['{ "version": 1 }\nx', "it is not JSON: line 2, column 1: Unexpected non-whitespace character"],
	["mine", "it is not JSON: Unexpected token 'm'"],
	["[]", '"$" must be an object'],
	[{}, '"$.version" must be 1, the version of this format'],
	[{ version: 2 }, '"$.version" must be'],
	[{ version: 1, mod: "enforce" }, '"$.mod" is not a member of this version'],
	[{ version: 1, mode: "on" }, '"$.mode" must be one of "off", "audit", "enforce", "strict"'],
	[{ version: 1, pins: {} }, '"$.pins" must be a list'],
	[{ version: 1, pins: [{ "spki-sha256": HEX.toUpperCase() }] }, '"$.pins[0].spki-sha256" must be 64'],
	[{ version: 1, products: [{ name: "a", root: "srv" }] }, '"$.products[0].root" must be an absolute path'],
	[{ version: 1, products: [{ name: "a", root: "/srv/../x" }] }, "must be an absolute path"],
	[{ version: 1, products: [{ name: "a" }, { name: "a" }] }, '"$.products" must not hold a name twice'],
	[{ version: 1, products: [{ name: "a", minimumSequence: -1 }] }, "must be a whole number"],
	[{ version: 1, deny: [{ reason: "x" }] }, "must have exactly one of file, key, certificate, catalog"],
	[{ version: 1, deny: [{ file: HEX, key: HEX, reason: "x" }] }, "must have exactly one of"],
	[{ version: 1, audit: { stderr: "loud" } }, '"$.audit.stderr" must be one of'],
	[{ version: 1, audit: { syslog: "yes" } }, '"$.audit.syslog" must be true or false'],
	['{"version":1,"__proto__":{"mode":"off"}}', '"$.__proto__" is not a member'],
])("readHostConfiguration() refuses %j", (document, message) => {
	expect(configure(document).read).toThrow(invalid(message));
});

test("an authority is a certificate for one exact subject", () => {
	const { caFile, subject } = makeAuthority(realpathSync(temporaryDirectory()));
	const authority = { certificate: caFile, subject: "cn=Test Signer, O=Example" };
	expect(configure({ version: 1, authorities: [authority] }).read().trust.authorities).toMatchObject([{ subject }]);
	const missing = { ...authority, certificate: `${caFile}.none` };
	expect(configure({ version: 1, authorities: [missing] }).read).toThrow(invalid("does not exist"));
	const vague = { ...authority, subject: "release" };
	expect(configure({ version: 1, authorities: [vague] }).read).toThrow(invalid("must have a subject"));
});

test("a timestamping authority is a certificate of an authority, and vouches for nothing but time", () => {
	const { caFile, certFile } = makeAuthority(realpathSync(temporaryDirectory()));
	const read = (certificate: string) => configure({ version: 1, timestampAuthorities: [{ certificate }] }).read;
	const { trust } = read(caFile)();
	expect(trust.timestampAuthorities?.map(({ subject }) => subject.text)).toEqual(["CN=Test Root"]);
	expect([trust.authorities, trust.pins.size]).toEqual([[], 0]);
	expect(read(certFile)).toThrow(invalid("is not that of an authority; name the root that its issuer leads to"));
	expect(read(`${caFile}.none`)).toThrow(invalid("does not exist"));
	writeFileSync(`${caFile}.two`, readFileSync(caFile, "utf8") + readFileSync(certFile, "utf8"));
	expect(read(`${caFile}.two`)).toThrow(invalid("must name a file with one certificate"));
});

describe.skipIf(!isRoot)("as root", () => {
	test("python 15: a directory for everyone is not to be changed, but to be left", () => {
		const { file, directory } = configure({ version: 1 });
		chmodSync(directory, 0o1777);
		const fault = faultOfFile(file, { development: "refuse", sticky: "refuse" });
		expect(fault).toBe(`"${directory}" can be written to by everyone; use a file below another directory`);
	});

	test("a configuration that others could have written is refused", () => {
		const { file, directory, read } = configure({ version: 1 });
		read();
		chmodSync(file, 0o664);
		expect(read).toThrow(invalid(`"${file}" can be written to by its group`));
		chmodSync(file, 0o644);
		chmodSync(directory, 0o775);
		expect(read).toThrow(invalid(`"${directory}" can be written to by its group`));
		chmodSync(directory, 0o757);
		expect(read).toThrow(invalid(`"${directory}" can be written to by everyone`));
		chmodSync(directory, 0o755);
		chownSync(file, 1234, 0);
		expect(read).toThrow(invalid("belongs to user 1234, not to root"));
		chownSync(file, 0, 0);
		chownSync(directory, 1234, 0);
		expect(read).toThrow(invalid("belongs to user 1234, not to root"));
	});

	test("a configuration that a link leads to, and one that is no file, are refused", () => {
		const { file, directory } = configure({ version: 1 });
		symlinkSync(directory, `${directory}-link`);
		const linked = join(`${directory}-link`, "verifier.json");
		expect(() => readHostConfiguration({ file: linked })).toThrow(invalid(`name "${file}" instead`));
		expect(() => readHostConfiguration({ file: directory })).toThrow(invalid("not a regular file"));
		expect(() => readHostConfiguration({ file: `${file}.none` })).toThrow(invalid("does not exist"));
	});
});

describe("in development", () => {
	afterEach(() => vi.unstubAllEnvs());

	test("the user's own configuration comes first", () => {
		const home = realpathSync(temporaryDirectory());
		mkdirSync(join(home, "sigtool"));
		const file = join(home, "sigtool/verifier.json");
		writeFileSync(file, '{"version":1,"mode":"audit"}');
		vi.stubEnv("XDG_CONFIG_HOME", home);
		expect(readHostConfiguration({ development: "allow" })).toMatchObject({ file, mode: "audit" });
	});
});
