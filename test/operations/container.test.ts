/** The examples for containers and Kubernetes, as far as a machine without container engine and cluster can run them. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { validate } from "dockerfile-utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { makeSelfSigned, type SelfSigned } from "../../packages/cli/test/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { registryEnvironment } from "../../scripts/registry-environment.mjs";
import { packTarballs } from "../../scripts/release/npm-tarballs.mjs";
import { pinOf } from "../host/host.js";
import { hasHeader, spawnSync } from "../outside.js";
import { buildImage, type Image } from "./dockerfile.js";
import { canOverlay, OverlayRoot } from "./overlay-root.js";
import { canOperate } from "./service.js";
import { ADDON, EXAMPLES } from "./signed-host.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCKERFILES = ["container/Dockerfile", "deploy-python/Dockerfile"];
const example = (name: string) => readFileSync(join(EXAMPLES, name), "utf8");
const canBuild = canOperate && canOverlay;
const canBuildPython = hasHeader("python3.13/Python.h") && hasHeader("openssl/cms.h");

/** Makes the root of an image that a Dockerfile names. */
function imageRoot(name: string): OverlayRoot {
	const node = nodeOfRelease("24");
	if (name === "debian:trixie-slim") return new OverlayRoot();
	const root = new OverlayRoot(name.startsWith("gcr.io/distroless/") ? "empty" : "machine");
	if (name === "node:24-trixie-slim") {
		place(root, node, "/usr/local/bin/node");
	} else if (name === "gcr.io/distroless/nodejs24-debian13:nonroot") {
		place(root, node, "/nodejs/bin/node");
		const libraries = spawnSync("ldd", [node], { encoding: "utf8" }).stdout.match(/\/\S+/g) ?? [];
		for (const library of libraries) place(root, library, library);
		root.write("/etc/passwd", "nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n");
	} else throw new Error(`The test knows no image ${name}`);
	return root;
}

function place(root: OverlayRoot, file: string, path: string): void {
	mkdirSync(dirname(root.at(path)), { recursive: true });
	cpSync(file, root.at(path), { dereference: true });
}

/** The environment of this machine's npm, with the headers of the release for which it compiles. */
function npmEnvironment(): Record<string, string> {
	const { PATH: _, ...registry } = registryEnvironment();
	const given = { ...registry, HOME: "/root", npm_config_nodedir: join(dirname(nodeOfRelease("24")), "..") };
	return Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined));
}

/** Packs sigtool as the example says. Returns the build context. */
function makeContext(
	app: Readonly<Record<string, string | Buffer>>,
	key: SelfSigned,
	folder: string,
	files: readonly string[],
): string {
	const context = mkdtempSync(join(tmpdir(), "sigtool-context-"));
	const release = mkdtempSync(join(tmpdir(), "sigtool-packed-"));
	packTarballs(release);
	const { status, stderr } = spawnSync(join(EXAMPLES, "container/pack.sh"), [context, release], { encoding: "utf8" });
	rmSync(release, { recursive: true });
	if (status !== 0) throw new Error(stderr);
	mkdirSync(join(context, "app"));
	for (const [name, content] of Object.entries(app)) writeFileSync(join(context, "app", name), content);
	for (const file of files) cpSync(join(EXAMPLES, file), join(context, file.replace(/.*\//, "")));
	const document = JSON.parse(example(`${folder}/verifier.json`));
	document.pins[0] = pinOf(key);
	writeFileSync(join(context, "verifier.json"), JSON.stringify(document));
	cpSync(key.certFile, join(context, "release.crt"));
	return context;
}

describe.skipIf(!canBuild)("the image of examples/container (needs root, overlayfs and npm)", () => {
	let image: Image;
	let context: string;
	let key: SelfSigned;
	const scratch = mkdtempSync(join(tmpdir(), "sigtool-image-"));
	const main = `
		const { readdirSync, writeFileSync } = require("node:fs");
		const attempt = (file) => { try { writeFileSync(file, "x"); return "written"; } catch (error) { return error.code; } };
		const native = typeof require("./addon.node").kernelAnswers;
		console.log(JSON.stringify([native, ...["/var/lib/app/x", "/srv/app/x", "/etc/x", "/x"].map(attempt), process.getuid(), process.argv.slice(2)]));`;

	beforeAll(() => {
		key = makeSelfSigned(join(scratch, "release"));
		context = makeContext({ "main.js": main, "addon.node": readFileSync(ADDON) }, key, "container", ["deploy/ship.sh"]);
		image = buildImage(example("container/Dockerfile"), {
			context,
			image: imageRoot,
			secrets: { key: key.keyFile },
			env: npmEnvironment(),
		});
	});
	afterAll(() => {
		image?.remove();
		for (const each of [scratch, context]) if (each !== undefined) rmSync(each, { recursive: true, force: true });
	});

	/** Starts the image as the README says, with a root that is read-only and grants that are tmpfs. */
	function start(...args: readonly string[]) {
		const { root, user, entrypoint } = image;
		const before = `
			mount -o remount,bind,ro $root
			mount -t tmpfs -o mode=1777,nosuid,noexec,size=256m none $root/var/lib/app
			mount -t tmpfs -o mode=1777,nosuid,exec,size=64m none $root/run/addons`;
		return root.run([...entrypoint, ...args], { before, user });
	}

	it("runs the signed program with its addon, which writes in its directory alone", () => {
		const { status, stdout, stderr } = start("--port", "8080");
		expect(status, stderr).toBe(0);
		expect(JSON.parse(stdout)).toEqual(["function", "written", "EROFS", "EROFS", "EROFS", 65532, ["--port", "8080"]]);
		const events = [...stderr.matchAll(/^sigtool: (\{.*\})$/gm)].map(([, event = ""]) => JSON.parse(event));
		expect(events).toContainEqual(
			expect.objectContaining({ event: "verifier.start", verdict: "allow", mode: "enforce" }),
		);
	});

	it("refuses a program that was changed in the image, with a last line that says why", () => {
		const file = image.root.at("/srv/app/main.js");
		writeFileSync(file, "console.log('evil')");
		const { status, stdout, stderr } = start();
		writeFileSync(file, main);
		expect([status, stdout]).toEqual([126, ""]);
		expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/main\.js.*ERR_FILE_MODIFIED/);
	});

	it("has no shell, compiler, npm, sigtool command line or key", () => {
		const files = readdirSync(image.root.path, { recursive: true, encoding: "utf8" });
		expect(files).toContain("usr/lib/sigtool/sigtool-launch");
		expect(
			files.filter((name) =>
				/(^|\/)(sh|bash|gcc|cc|npm|bin\/sigtool|main\.cjs|.*\.tgz|.*\.tar|key|.*\.pem)$/.test(name),
			),
		).toEqual([]);
		const secret = readFileSync(key.keyFile, "utf8").split("\n")[1] ?? "?";
		const texts = files.filter((name) => /^(etc|srv|run|var)\//.test(name) && existsSync(join(image.root.path, name)));
		const holding = texts.filter((name) => {
			const { status } = spawnSync("grep", ["-qF", secret, join(image.root.path, name)]);
			return status === 0;
		});
		expect(holding).toEqual([]);
	});
});

describe.skipIf(!canBuild || !canBuildPython)(
	"the image of examples/deploy-python (needs root, overlayfs, npm and python3-dev)",
	() => {
		it("runs the signed service by its ENTRYPOINT, and not after a change", () => {
			const scratch = mkdtempSync(join(tmpdir(), "sigtool-image-"));
			const key = makeSelfSigned(join(scratch, "release"));
			const app = { "main.py": "import part\nprint('ran', part.NAME)\n", "part.py": "NAME = 'service'\n" };
			const context = makeContext(app, key, "deploy-python", ["deploy-python/ship.sh"]);
			const image = buildImage(example("deploy-python/Dockerfile"), {
				context,
				image: imageRoot,
				secrets: { key: key.keyFile },
				env: npmEnvironment(),
			});
			const { root, user, entrypoint } = image;
			const first = root.run(entrypoint, { user });
			writeFileSync(root.at("/srv/app/part.py"), "NAME = 'evil'\n");
			rmSync(root.at("/srv/app/__pycache__"), { recursive: true });
			const second = root.run(entrypoint, { user });
			image.remove();
			for (const each of [scratch, context]) rmSync(each, { recursive: true });
			expect(first).toMatchObject({ status: 0, stdout: "ran service\n" });
			expect(second).toMatchObject({ status: 126, stdout: "" });
		});
	},
);

describe("the Dockerfiles of the examples", () => {
	it.each(DOCKERFILES)("%s has nothing that a linter objects to, and needs no registry of ours", (name) => {
		const text = example(name);
		const found = validate(text);
		expect(found.map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
		expect(text).not.toContain("@sigtool/");
		expect(text).toContain("COPY packages /packages");
	});

	it("are read by a linter that objects", () => {
		expect(validate("FROM a AS b\nCOPPY x y\n")).not.toEqual([]);
	});
});

describe("examples/kubernetes/deployment.yaml", () => {
	const manifest = parse(example("kubernetes/deployment.yaml"));

	/** Returns what the compiler says of a document as a Deployment of Kubernetes' API. */
	function faultsOf(document: unknown): string {
		const folder = mkdtempSync(join(ROOT, ".cache", "kubernetes-"));
		const file = join(folder, "manifest.ts");
		const text = `import type { Deployment } from "kubernetes-types/apps/v1.js";\nexport const manifest: Deployment = ${JSON.stringify(document)};\n`;
		writeFileSync(file, text);
		const options = [
			"--noEmit",
			"--strict",
			"--skipLibCheck",
			"--module",
			"nodenext",
			"--moduleResolution",
			"nodenext",
			"--ignoreConfig",
		];
		const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), [...options, file], {
			encoding: "utf8",
			cwd: folder,
		});
		rmSync(folder, { recursive: true });
		return stdout;
	}

	it("is a Deployment to the types of Kubernetes' API, in which a misspelt, missing or mistyped member is a fault", () => {
		expect(faultsOf(manifest)).toBe("");
		const altered = (change: (document: typeof manifest) => void) => {
			const copy = structuredClone(manifest);
			change(copy);
			return faultsOf(copy);
		};
		expect(altered(({ spec }) => (spec.template.spec.containers[0].livenesProbe = {}))).toContain("livenesProbe");
		expect(altered(({ spec }) => delete spec.selector)).toContain("selector");
		expect(altered(({ spec }) => (spec.replicas = "2"))).toContain("not assignable");
	});

	it("meets the Pod Security Standard restricted, with probes, limits and the refusal as message", () => {
		const { containers, securityContext, volumes } = manifest.spec.template.spec;
		expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
		expect(containers).toHaveLength(1);
		const [container] = containers;
		// A `command` would replace the launcher.
		expect(container.command).toBeUndefined();
		expect(container.terminationMessagePolicy).toBe("FallbackToLogsOnError");
		expect(container.securityContext).toEqual({
			allowPrivilegeEscalation: false,
			readOnlyRootFilesystem: true,
			capabilities: { drop: ["ALL"] },
		});
		for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
			expect(container.ports.map(({ name }: { name: string }) => name)).toContain(container[probe].httpGet.port);
		}
		expect(Object.keys(container.resources.requests)).toEqual(["cpu", "memory", "ephemeral-storage"]);
		expect(Object.keys(container.resources.limits)).toEqual(["memory", "ephemeral-storage"]);
		expect(volumes.map(({ emptyDir }: { emptyDir: object }) => Object.keys(emptyDir).includes("sizeLimit"))).toEqual([
			true,
			true,
		]);
	});

	it("mounts what the image's ENTRYPOINT grants, as the user of the image", () => {
		const [, entrypoint = ""] = /^ENTRYPOINT (.*)$/m.exec(example("container/Dockerfile")) ?? [];
		const args: string[] = JSON.parse(entrypoint);
		const granted = args.filter((_, i) => args[i - 1] === "--write");
		const { containers, securityContext, volumes } = manifest.spec.template.spec;
		expect(containers[0].volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual(granted);
		expect(containers[0].volumeMounts.map(({ name }: { name: string }) => name)).toEqual(
			volumes.map(({ name }: { name: string }) => name),
		);
		const { runAsUser, runAsGroup } = securityContext;
		expect(example("container/Dockerfile")).toContain(`USER ${runAsUser}:${runAsGroup}\n`);
	});
});
