/** The image is judged by skopeo and oras, and its program runs in a root that has nothing but the image. */

import { createHash, X509Certificate } from "node:crypto";
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { canOverlay, OverlayRoot } from "../../../test/operations/overlay-root.js";
import { hasProgram, spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { makeImage } from "../../release/image.mjs";

const scratch = temporaryDirectory(atEndOfFile);

const single = fileURLToPath(new URL("../../single-file.mjs", import.meta.url));
const facts = { arch: process.arch, version: "1.2.3", commit: "0123456789abcdef", seconds: 1_700_000_000 };
const executable = makeExecutable();
const folder = join(scratch, "image");
const made = makeImage(folder, { ...facts, executable });

function makeExecutable(): string {
	const { status, stderr } = spawnSync(process.execPath, [single, "--out", scratch, "--arch", process.arch], {
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(stderr);
	return join(scratch, `sigtool-linux-${process.arch}`);
}

const blob = (digest: string) => readFileSync(join(folder, "blobs", digest.replace(":", "/")));
const manifest = JSON.parse(blob(made.digest).toString());

describe("the image layout", () => {
	it("has each blob under its digest and with its size", () => {
		for (const name of readdirSync(join(folder, "blobs/sha256")))
			expect(
				createHash("sha256")
					.update(blob(`sha256:${name}`))
					.digest("hex"),
			).toBe(name);
		for (const { digest, size } of [manifest.config, ...manifest.layers])
			expect(statSync(join(folder, "blobs", digest.replace(":", "/"))).size).toBe(size);
	});

	it("is the same when it is made again in another folder", () => {
		expect(makeImage(join(scratch, "again"), { ...facts, executable })).toEqual(made);
		rmSync(join(scratch, "again"), { recursive: true });
	});

	const hasSkopeo = hasProgram("skopeo");
	it.skipIf(!hasSkopeo)("is read by skopeo, which copies each layer (needs skopeo)", () => {
		const { stdout } = spawnSync("skopeo", ["inspect", `oci:${folder}:${facts.version}`], { encoding: "utf8" });
		expect(JSON.parse(stdout)).toMatchObject({
			Digest: made.digest,
			Created: "2023-11-14T22:13:20Z",
			Os: "linux",
			Labels: { "org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.revision": facts.commit },
		});
		const copy = ["copy", "-q", `oci:${folder}:${facts.version}`, `dir:${join(scratch, "copy")}`];
		expect(spawnSync("skopeo", copy, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
		rmSync(join(scratch, "copy"), { recursive: true });
	});

	it.skipIf(!hasSkopeo)("is refused by skopeo after a change of a layer (needs skopeo)", () => {
		const changed = join(scratch, "changed");
		cpSync(folder, changed, { recursive: true });
		appendFileSync(join(changed, "blobs", manifest.layers[0].digest.replace(":", "/")), "x");
		const copy = ["copy", "-q", `oci:${changed}:${facts.version}`, `dir:${join(scratch, "copy")}`];
		expect(spawnSync("skopeo", copy).status).not.toBe(0);
		for (const name of ["changed", "copy"]) rmSync(join(scratch, name), { recursive: true, force: true });
	});

	it.skipIf(!hasProgram("oras"))("is read by oras (needs oras)", () => {
		const fetch = ["manifest", "fetch", "--oci-layout", `${folder}:${facts.version}`];
		expect(JSON.parse(spawnSync("oras", fetch, { encoding: "utf8" }).stdout)).toEqual(manifest);
	});
});

describe.skipIf(!canOverlay)("the image as a root (needs root and overlayfs)", () => {
	const root = canOverlay ? new OverlayRoot("empty") : undefined;
	afterAll(() => root?.remove());
	const place = root?.path ?? "";
	for (const { digest } of root === undefined ? [] : manifest.layers)
		spawnSync("tar", ["-xzf", join(folder, "blobs", digest.replace(":", "/")), "-C", place]);
	const configuration = JSON.parse(blob(manifest.config.digest).toString());

	it("runs its program under both names, as a user without rights, with nothing but what is in it", () => {
		const { Entrypoint, Env, User } = configuration.config;
		// The PATH is for the program that changes the root.
		const { PATH: _, ...env } = Object.fromEntries(Env.map((each: string) => each.split("=")));
		for (const program of [Entrypoint, ["/usr/bin/sigtree"]]) {
			const { status, stdout, stderr } = root?.run([...program, "--version"], { env, user: User }) ?? {};
			expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
			expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
		}
	});

	it("lets its user make an identity in the home directory", () => {
		const { Env, User } = configuration.config;
		const { PATH: _, ...env } = Object.fromEntries(Env.map((each: string) => each.split("=")));
		const { stdout } = root?.run(["/usr/bin/sigtool", "identity", "new", "release"], { env, user: User }) ?? {};
		expect(stdout).toMatch(/^made identity release\n/);
	});

	it("has certificates of authorities, the licences of its libraries, and no shell", () => {
		const bundle = readFileSync(join(place, "etc/ssl/certs/ca-certificates.crt"), "utf8");
		const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
		expect(certificates.length).toBeGreaterThan(100);
		for (const each of certificates) expect(new X509Certificate(each).ca).toBe(true);
		for (const { name } of made.libraries)
			expect(existsSync(join(place, "usr/share/doc", name, "copyright"))).toBe(true);
		const programs = readdirSync(join(place, "usr/bin"));
		expect(programs.sort()).toEqual(["sigtool", "sigtree"]);
	});
});
