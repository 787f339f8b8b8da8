import { createHash } from "node:crypto";
import {
	appendFileSync,
	cpSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { beforeAll, describe, expect, it } from "vitest";
import { MAIN, makeSelfSigned } from "../../../packages/cli/test/support.js";
import { spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { registryEnvironment } from "../../registry-environment.mjs";
import { otherEnvironment, secondCheckout } from "./second-checkout.js";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const scratch = temporaryDirectory(atEndOfFile);
const folder = join(scratch, "first");
const key = makeSelfSigned(join(scratch, "release"), "RSA-2048");

/** Makes a release of a built checkout. RSA signs, because the same bytes then have the same signature. */
function release(checkout: string, out: string, env: NodeJS.ProcessEnv = process.env): void {
	const args = ["--out", out, "--signed-with", "--key", key.keyFile, "--cert", key.certFile];
	const script = join(checkout, "scripts/release/release.mjs");
	const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
		cwd: checkout,
		env,
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(`pnpm release ended with ${status}\n${stdout}${stderr}`);
}

function verify(place: string, ...args: readonly string[]) {
	return spawnSync(
		process.execPath,
		[MAIN, "verify", place, "--trust", key.certFile, "--product", "sigtool", ...args],
		{
			encoding: "utf8",
			env: { ...process.env, XDG_CONFIG_HOME: join(scratch, "config"), SIGTOOL_DEVELOPMENT: "refuse" },
		},
	);
}

/** Returns the SHA-256 of each file below a folder, by its path. */
function digestsIn(place: string): Record<string, string> {
	const files = readdirSync(place, { recursive: true, encoding: "utf8" }).sort();
	return Object.fromEntries(
		files
			.filter((path) => statSync(join(place, path)).isFile())
			.map((path) => [
				path,
				createHash("sha256")
					.update(readFileSync(join(place, path)))
					.digest("hex"),
			]),
	);
}

beforeAll(() => {
	release(workspace, folder);
}, 600_000);

describe("a release", () => {
	it("has the same bytes from another folder, at another time, in another environment", () => {
		const checkout = secondCheckout(workspace);
		try {
			const second = join(scratch, "second of two");
			release(checkout, second, otherEnvironment(checkout));
			expect(digestsIn(second)).toEqual(digestsIn(folder));
		} finally {
			rmSync(dirname(checkout), { recursive: true, force: true });
		}
	}, 1_200_000);

	it("is trusted by its own catalog, which signs every file, under any name of the folder", () => {
		const moved = join(scratch, "downloads");
		cpSync(folder, moved, { recursive: true });
		const { status, stdout } = verify(moved, "--json");
		expect(status).toBe(0);
		const files = Object.keys(digestsIn(moved)).filter((path) => !path.endsWith(".cat"));
		expect(JSON.parse(stdout).results[0]).toMatchObject({ verdict: "trusted", checked: files.length });
	});

	it("is not trusted after a change of any file, or with another file", () => {
		const names = Object.keys(digestsIn(folder)).filter((name) => !/\.cat$|^(image|man|completion)\//.test(name));
		for (const name of names) {
			const changed = join(scratch, "changed");
			cpSync(folder, changed, { recursive: true });
			appendFileSync(join(changed, name), "x");
			expect([name, verify(changed).status]).toEqual([name, 1]);
			rmSync(changed, { recursive: true });
		}
		const added = join(scratch, "added");
		cpSync(folder, added, { recursive: true });
		writeFileSync(join(added, "sigtool-core-9.9.9.tgz"), "");
		expect(verify(added).stdout).toContain("1 added");
	});

	it("is what sha256sum -c accepts, without a file that is not listed", () => {
		const { status, stdout } = spawnSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: folder, encoding: "utf8" });
		expect(status).toBe(0);
		const checked = stdout
			.trim()
			.split("\n")
			.map((line) => line.replace(/: OK$/, ""));
		const unlisted = Object.keys(digestsIn(folder)).filter((path) => !checked.includes(path));
		expect(unlisted.map((path) => path.replace(/-.*\./, "."))).toEqual(["SHA256SUMS", "sigtool.cat"]);
	});

	it("tells of a key that does not sign before it makes anything", () => {
		const out = join(scratch, "wrong-key");
		const script = join(workspace, "scripts/release/release.mjs");
		const args = ["--out", out, "--signed-with", "--key", key.keyFile, "--cert", join(scratch, "none.crt")];
		const { status, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: workspace, encoding: "utf8" });
		expect({ status, made: readdirSync(out) }).toEqual({ status: 1, made: [] });
		expect(stderr).toContain("none.crt");
	});

	it("is not made in a folder that has something", () => {
		expect(() => release(workspace, folder)).toThrow(/it is not empty/);
	});
});

describe("README.md", () => {
	it("installs a release by npm, under both names", () => {
		const readme = readFileSync(join(workspace, "README.md"), "utf8");
		const [line = ""] = readme.match(/^npm install --global .*$/m) ?? [];
		const place = mkdtempSync(join(scratch, "clone-"));
		symlinkSync(folder, join(place, "release"));
		const prefix = join(scratch, "prefix");
		const env = { ...registryEnvironment(), npm_config_prefix: prefix, npm_config_cache: join(scratch, "npm-cache") };
		const install = spawnSync("bash", ["-c", line], { cwd: place, env, encoding: "utf8" });
		expect({ status: install.status, stderr: install.stderr }).toMatchObject({ status: 0 });
		for (const name of ["sigtool", "sigtree"]) {
			const { stdout } = spawnSync(join(prefix, "bin", name), ["--version"], { encoding: "utf8" });
			expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
		}
	});
});

describe("the bills of materials", () => {
	const read = (extension: string) => {
		const name = readdirSync(folder).find((name) => name.endsWith(extension)) ?? "";
		return JSON.parse(readFileSync(join(folder, name), "utf8"));
	};
	const schemas = join(
		dirname(createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json")),
		"res/schema",
	);
	const schema = (name: string) => JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8"));

	it("in CycloneDX meets the schema of version 1.6, which refuses a misspelt member", () => {
		const ajv = new Ajv({ strict: false, validateFormats: false });
		for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
			ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
		const isValid = ajv.compile(schema("bom-1.6"));
		const document = read(".cdx.json");
		expect([isValid(document), isValid.errors]).toEqual([true, null]);
		document.components[0].licences = [];
		expect(isValid(document)).toBe(false);
	});

	it("in CycloneDX names each reference once, and refers to nothing else", () => {
		const { metadata, components, dependencies } = read(".cdx.json");
		const references = [metadata.component, ...components].map((each) => each["bom-ref"]);
		expect(new Set(references).size).toBe(references.length);
		for (const { ref, dependsOn } of dependencies)
			expect(references).toEqual(expect.arrayContaining([ref, ...dependsOn]));
	});

	it("in SPDX 2.3 have what the specification requires of a document, packages and relationships", () => {
		const licences: string[] = schema("spdx").enum;
		const { packages, relationships, creationInfo, ...document } = read(".spdx.json");
		expect(document).toEqual({
			spdxVersion: "SPDX-2.3",
			dataLicense: "CC0-1.0",
			SPDXID: "SPDXRef-DOCUMENT",
			name: expect.stringMatching(/^sigtool-\d/),
			documentNamespace: expect.stringMatching(
				/^https:\/\/spdx\.org\/spdxdocs\/sigtool-[\w.-]+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
			),
		});
		expect(creationInfo.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		expect(creationInfo.creators).toEqual([expect.stringMatching(/^Tool: \S+-\d/)]);
		const ids = [document.SPDXID, ...packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID)];
		expect(new Set(ids).size).toBe(ids.length);
		for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
		for (const { downloadLocation, filesAnalyzed, licenseDeclared } of packages) {
			expect([downloadLocation, filesAnalyzed]).toEqual(["NOASSERTION", false]);
			for (const each of licenseDeclared.replace(/ WITH \S+|[()]/g, "").split(/ (?:OR|AND) /))
				expect(["NOASSERTION", ...licences]).toContain(each);
		}
		for (const { spdxElementId, relatedSpdxElement, relationshipType } of relationships) {
			expect(ids).toEqual(expect.arrayContaining([spdxElementId, relatedSpdxElement]));
			expect(["DESCRIBES", "CONTAINS", "DEPENDS_ON"]).toContain(relationshipType);
		}
	});

	it("name each npm package, each Debian package and each executable with its digest", () => {
		const digests = digestsIn(folder);
		const files = Object.keys(digests).filter((path) => /\.(tgz|deb)$|^sigtool-linux-[^.]*$/.test(path));
		const { components } = read(".cdx.json");
		const { packages } = read(".spdx.json");
		for (const file of files) {
			const hashes = [{ alg: "SHA-256", content: digests[file] }];
			expect(components).toContainEqual(expect.objectContaining({ hashes }));
			const checksums = [{ algorithm: "SHA256", checksumValue: digests[file] }];
			expect(packages).toContainEqual(expect.objectContaining({ packageFileName: basename(file), checksums }));
		}
	});

	it("state a licence of each component, those of Debian's libraries too", () => {
		for (const { name, licenses } of read(".cdx.json").components) expect([name, licenses?.length]).toEqual([name, 1]);
	});

	it("name what is inside of Node.js, of the launchers, of the image and of the Debian packages", () => {
		const { components, dependencies } = read(".cdx.json");
		const within = (name: string) => dependencies.find(({ ref }: { ref: string }) => ref === name)?.dependsOn;
		const licenceOf = (name: string) => components.find((each: { name: string }) => each.name === name)?.licenses[0];
		expect(within("node")).toEqual(expect.arrayContaining(["openssl (in Node.js)", "v8 (in Node.js)"]));
		expect(licenceOf("openssl (in Node.js)")).toEqual({ license: { id: "Apache-2.0" } });
		expect(within("@sigtool/native-linux-x64")).toEqual(["libc6-dev"]);
		expect(licenceOf("libc6-dev")).toEqual({ license: { id: "LGPL-2.1-or-later" } });
		expect(within("@sigtool/native-linux-arm64-musl")).toEqual(["musl-dev (arm64)"]);
		expect(within("sigtool-linux-arm64")).toEqual(["node", "@sigtool/cli", "@sigtool/native-linux-arm64"]);
		expect(within("sigtool (Debian package, arm64)")).toEqual(["sigtool-linux-arm64"]);
		expect(within("sigtool (container image)")).not.toContain("sigtool-linux-arm64");
	});

	it("name what is bundled and what is needed", () => {
		const { components, dependencies } = read(".cdx.json");
		expect(components.map(({ name }: { name: string }) => name)).toEqual(
			expect.arrayContaining(["commander", "cli-progress", "node-forge"]),
		);
		const cli = dependencies.find(({ ref }: { ref: string }) => ref === "@sigtool/cli");
		expect(cli.dependsOn).toEqual(
			expect.arrayContaining(["@sigtool/verifier", "commander", "cli-progress", "node-forge"]),
		);
	});
});
