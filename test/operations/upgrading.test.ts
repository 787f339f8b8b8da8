/** The story of an upgrade: the distribution replaces a runtime or its library, and services restart. */

import { createHash } from "node:crypto";
import {
	appendFileSync,
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../packages/cli/test/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { programOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";
import { canOperate, Service } from "./service.js";

const HOOK = fileURLToPath(new URL("../../examples/upgrade", import.meta.url));
const SIGTOOL = fileURLToPath(new URL("../../packages/cli/dist/main.cjs", import.meta.url));

/** The directory that all of Debian's packages with modules share. */
const SHARED_MODULES = "/usr/lib/python3";

const MEND =
	/Cannot trust ".*": its SHA-256 is \w+, not \w+, and was not announced; .*`sigtool launcher install` again/;

describe.skipIf(!canOperate).each(RUNTIMES)("an upgrade of $name (as root, with the launcher built)", (runtime) => {
	let directory: string;
	let program: string;
	const [announce, option] = runtime.kind === "node" ? ["--node-next", "node-next"] : ["--python-next", "python-next"];
	let service: Service;

	/** A program with the same code and another digest, as a security update has. */
	const upgradeTo = (text: string): string => {
		const next = join(directory, `next-${text}`);
		copyFileSync(program, next);
		appendFileSync(next, text);
		return next;
	};
	const replaceProgram = (next: string) => {
		copyFileSync(next, `${program}.new`);
		renameSync(`${program}.new`, program);
	};
	const install = (...options: readonly string[]) => {
		const launched = runtime.kind === "node" ? ["--node", program] : ["--no-node", "--python", service.at("spython")];
		const places = ["--index", service.index, "--config", service.config];
		return service.sigtool(["launcher", "install", "--prefix", service.at("lib"), ...launched, ...places, ...options]);
	};
	const check = () => service.sigtool(["launcher", "check", "--files", "--prefix", service.at("lib")]);
	const started = () => {
		const { status, stdout, stderr } = service.start();
		return { status, stdout, stderr };
	};

	beforeAll(() => {
		directory = temporaryDirectory(atEndOfFile, "/var/lib");
		program = join(directory, runtime.kind === "node" ? "node" : "python3");
		copyFileSync(programOf(runtime), program);
		service = new Service({ ...runtime, program });
	});

	it("starts again after an announced upgrade, and check says so", () => {
		expect(started()).toMatchObject({ status: 0, stdout: "serving\n" });
		const [next, other] = [upgradeTo("1"), "0".repeat(64)];
		expect(install(announce, other, announce, next).status).toBe(0);
		const digest = createHash("sha256").update(readFileSync(next)).digest("hex");
		const lines = readFileSync(service.conf, "utf8").split("\n");
		expect(lines.filter((line) => line.startsWith(`${option} `))).toEqual([
			`${option} ${other}`,
			`${option} ${digest}`,
		]);
		expect(started()).toMatchObject({ status: 0, stdout: "serving\n" });
		replaceProgram(next);
		expect(started()).toMatchObject({ status: 0, stdout: "serving\n" });
		expect(check()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ok .*, as announced$/m) });
		if (runtime.kind === "node") expect(check().stdout).toMatch(/^note +node file +replaced as announced: /m);
	});

	it("refuses an upgrade that was not announced with 126, and names the mend, which works", () => {
		replaceProgram(upgradeTo("2"));
		expect(started()).toMatchObject({ status: 126, stdout: "", stderr: expect.stringMatching(MEND) });
		expect(started().stderr).toContain(announce);
		expect(started().stderr.trimEnd().split("\n")).toHaveLength(1);
		expect(service.events().at(-1)).toMatchObject({ event: "verifier.start", verdict: "refuse" });
		expect(check()).toMatchObject({ status: 1, stdout: expect.stringMatching(/^wrong .*changed: its SHA-256 is/m) });
		const [, command = ""] = /replaced it, run `sigtool (.*)` as root/.exec(check().stdout) ?? [];
		expect(check().stdout).toContain("docs/reference/launcher.md#upgrades-of-node-and-python");
		expect(service.sigtool(command.split(" ")).status).toBe(0);
		expect(started()).toMatchObject({ status: 0, stdout: "serving\n" });
		expect(check()).toMatchObject({ status: 0 });
	});

	it("does not accept what was announced before, after the next installation", () => {
		const announced = upgradeTo("3");
		expect(install(announce, announced).status).toBe(0);
		expect(install().status).toBe(0);
		replaceProgram(announced);
		expect(started()).toMatchObject({ status: 126, stderr: expect.stringMatching(MEND) });
	});

	it("digests a program that took the place of the installed one, whatever its size and times", () => {
		const installed = upgradeTo("4");
		replaceProgram(installed);
		expect(install(announce, "0".repeat(64)).status).toBe(0);
		const forged = upgradeTo("5");
		spawnSync("touch", ["--reference", program, forged]);
		spawnSync("cp", ["--preserve=timestamps", forged, program]);
		expect(started()).toMatchObject({ status: 126, stderr: expect.stringMatching(MEND) });
		replaceProgram(installed);
		expect(started()).toMatchObject({ status: 0 });
	});

	it("refuses to announce what is not the same release, is no program, or is too much", () => {
		const isNode = runtime.kind === "node";
		const other = isNode ? nodeOfRelease(runtime.name.endsWith("20") ? "24" : "20") : "/usr/bin/python3.11";
		const is = isNode ? /it is Node\.js \d+, and what is installed here is for Node\.js/ : /it is Python 3\.11, and/;
		expect(install(announce, other)).toMatchObject({ status: 2, stderr: expect.stringMatching(is) });
		expect(install(announce, "/bin/true")).toMatchObject({ status: 2 });
		expect(install(announce, "not-there")).toMatchObject({ status: 2, stderr: expect.stringContaining("SHA-256") });
		const many = Array.from({ length: 9 }, (_, n) => [announce, `${n}`.repeat(64)]).flat();
		expect(install(...many)).toMatchObject({ status: 2, stderr: expect.stringContaining("8 times") });
		expect(install(isNode ? "--python-next" : "--node-next", "0".repeat(64))).toMatchObject({ status: 2 });
		expect(started()).toMatchObject({ status: 0 });
	});

	const onlyNode = runtime.kind === "node" ? it : undefined;
	onlyNode?.("never runs another release that only its digest announced", () => {
		const other = nodeOfRelease(runtime.name.endsWith("20") ? "24" : "20");
		const digest = createHash("sha256").update(readFileSync(other)).digest("hex");
		expect(install(announce, digest).status).toBe(0);
		const undo = service.saved(program);
		replaceProgram(other);
		const { status, stdout } = started();
		expect(stdout).toBe("");
		expect(status).not.toBe(0);
		expect(check()).toMatchObject({ status: 1, stdout: expect.stringMatching(/^wrong {2}node release/m) });
		undo();
		expect(install().status).toBe(0);
	});

	it("says before the restart that adopted files changed, by check and by the hook of apt", () => {
		const library = service.at("library");
		mkdirSync(library);
		writeFileSync(join(library, "module.py"), "1");
		service.ship(service.key, ["--adopt", library]);
		expect(install().status).toBe(0);
		expect(check()).toMatchObject({
			status: 0,
			stdout: expect.stringContaining(`${library}, 1 entry as in the index`),
		});

		const units = service.at("units");
		mkdirSync(units);
		const unit = (prefix: string) => `[Service]\nExecStart=${prefix}/sigtool-launch --write /x ${service.script}\n`;
		writeFileSync(join(units, "shop.service"), unit(service.at("lib")));
		writeFileSync(join(units, "other.service"), "[Service]\nExecStart=/usr/bin/other\n");
		const hook = () => runHook(units);
		const before = () => runBeforeStart(service.at("lib"));
		expect(hook()).toMatchObject({ status: 0, stdout: "" });
		expect(before()).toMatchObject({ status: 0, stdout: "" });

		writeFileSync(join(library, "module.py"), "2");
		writeFileSync(join(library, "new.py"), "not in the index");
		expect(started()).toMatchObject({ status: 0 });
		const { status, stdout } = check();
		expect(status).toBe(1);
		expect(stdout).toMatch(
			/^wrong {2}files .*library: "module\.py" was modified; before the next restart, compile the index/m,
		);
		expect(before()).toMatchObject({ status: 1, stdout: expect.stringMatching(/^wrong {2}files .*"module\.py"/) });
		const told = hook();
		expect(told.status).toBe(0);
		expect(told.stdout).toContain("would be refused at their next restart: shop.service");
		expect(told.stdout).toMatch(/"module\.py" was modified/);
		expect(told.stdout).toMatch(/compile the index again .*\n.*`sigtool launcher install --prefix/);
		expect(told.stdout).not.toContain("other.service");

		// A file that cannot be read is not known to differ.
		writeFileSync(join(library, "module.py"), "1");
		chmodSync(join(library, "module.py"), 0);
		for (const each of [service.directory, directory]) chmodSync(each, 0o755);
		const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, SIGTOOL];
		const undecided = spawnSync(
			"setpriv",
			[...asNobody, "launcher", "check", "--files", "--prefix", service.at("lib")],
			{
				encoding: "utf8",
			},
		);
		expect([undecided.status, undecided.stdout]).toEqual([
			3,
			expect.stringMatching(/^wrong {2}files .*permission denied.*could be compared/m),
		]);
		chmodSync(join(library, "module.py"), 0o644);

		writeFileSync(service.script, "changed");
		expect(check().stdout).toMatch(
			/^wrong {2}files .*app: "main\.\w+" was modified; .*put the signed release and its index/m,
		);
		service.ship(service.key, ["--adopt", library]);
		expect(check()).toMatchObject({ status: 0 });
	});
});

const [debian] = RUNTIMES.filter(({ kind }) => kind === "python");
const hasYaml = existsSync("/var/lib/dpkg/info/python3-yaml.list");
const canAdopt = canOperate && debian?.program !== undefined && hasYaml;

describe.skipIf(!canAdopt)("a service that needs one package of Debian (as root, with python3-yaml)", () => {
	let service: Service;
	let compiled: Run;
	beforeAll(() => {
		if (debian === undefined) return;
		service = new Service(debian);
		writeFileSync(
			service.script,
			"import yaml\nprint(yaml.safe_load('serving'))\nimport pygments\nprint('pygments')\n",
		);
		const { keyFile, certFile } = service.key;
		const signing = ["--key", keyFile, "--cert", certFile];
		expect(service.sigtool(["sign", service.at("app"), "--force", ...signing]).status).toBe(0);
		const library = service.library.filter((each) => each !== SHARED_MODULES).flatMap((each) => ["--adopt", each]);
		const adopting = [...library, "--adopt-package", "python3-yaml", "--json"];
		const compile = ["compile", service.at("app"), "-o", service.index, "--trust", certFile, ...signing];
		compiled = service.sigtool([...compile, ...adopting]);
		expect(compiled).toMatchObject({ status: 0 });
	});

	it("loads that package, and no other from the same directory", () => {
		service.configure({ onRefusal: "throw" });
		service.install();
		const { status, stdout, stderr } = service.start();
		expect([status, stdout]).toEqual([1, "serving\n"]);
		expect(stderr).toMatch(/PermissionError: Cannot load '.*pygments/);
	});

	it("is refused at its start only by a .pth file that compile has warned of", () => {
		writeFileSync(service.script, "import yaml\nprint(yaml.safe_load('serving'))\n");
		expect(service.check().status).toBe(0);
		const files = service
			.sigtool(["launcher", "check", "--files", "--json", "--prefix", service.at("lib")])
			.json().files;
		expect(files.find(({ name }: { name: string }) => name === SHARED_MODULES)).toMatchObject({
			adopted: true,
			changed: [],
		});
		const warnings: readonly string[] = compiled.json().warnings;
		service.configure();
		const { stderr } = service.start();
		const refused = /Cannot load '(.*\.pth)'/.exec(stderr)?.[1];
		expect(warnings.some((each) => each.includes(".pth"))).toBe(refused !== undefined);
		if (refused !== undefined) expect(warnings.join("\n")).toContain(refused);
	});

	it("names the package of a file that an upgrade changed", () => {
		const file = `${SHARED_MODULES}/dist-packages/yaml/tokens.py`;
		writeFileSync(service.at("tokens.py"), "# upgraded\n");
		const check = `"${process.execPath}" "${SIGTOOL}" launcher check --files --prefix "${service.at("lib")}"`;
		const inNamespace = `mount --bind "${service.at("tokens.py")}" ${file} && ${check}`;
		const { status, stdout } = spawnSync("unshare", ["-m", "sh", "-c", inNamespace], { encoding: "utf8" });
		expect(status).toBe(1);
		expect(stdout).toMatch(/^wrong {2}files .*yaml\/tokens\.py" was modified \(of package python3-yaml\);/m);
	});

	it("warns of thousands of files that come along with the whole directory", () => {
		const { keyFile, certFile } = service.key;
		const signing = ["--key", keyFile, "--cert", certFile];
		const { status, stderr } = service.sigtool([
			"compile",
			"--adopt",
			SHARED_MODULES,
			"-o",
			service.at("all.sigx"),
			...signing,
		]);
		expect(status).toBe(0);
		expect(stderr).toMatch(/python3" has \d+ files of \d+ packages: .*--adopt-package/);
	});
});

/** Runs the line that apt would run, as apt itself reads it, over a directory of units. */
function runHook(units: string) {
	const read = spawnSync(
		"apt-config",
		["-c", join(HOOK, "90sigtool"), "dump", "--format", "%v%n", "DPkg::Post-Invoke"],
		{
			encoding: "utf8",
		},
	);
	const line = read.stdout.split("\n").find((each) => each.includes("after-upgrade.sh")) ?? "";
	const installed = "/usr/local/lib/sigtool/after-upgrade.sh";
	expect(line).toContain(`${installed} ||`);
	const here = line.replaceAll(installed, join(HOOK, "after-upgrade.sh")).replace(".sh ||", `.sh ${units} ||`);
	return spawnSync("sh", ["-c", here], {
		encoding: "utf8",
		env: { ...process.env, SIGTOOL: `${process.execPath} ${SIGTOOL}` },
	});
}

/** Runs the drop-in's ExecStartPre, for a launcher in this directory. */
function runBeforeStart(prefix: string) {
	const text = readFileSync(join(HOOK, "check-files.conf"), "utf8");
	const [, command = ""] = /^ExecStartPre=\+\/usr\/bin\/sigtool (.*)$/m.exec(text) ?? [];
	const args = command.replace("/usr/lib/sigtool", prefix).split(" ");
	return spawnSync(process.execPath, [SIGTOOL, ...args], { encoding: "utf8" });
}

it("the hook of apt names each instance of a template unit", () => {
	const directory = temporaryDirectory();
	const lib = join(directory, "lib");
	for (const name of ["web", "api"]) {
		mkdirSync(join(lib, name), { recursive: true });
		writeFileSync(join(lib, name, "launcher.conf"), "");
	}
	mkdirSync(join(lib, "other"));
	writeFileSync(
		join(directory, "signed@.service"),
		`ExecStart=${lib}/%i/sigtool-launch --write /var/lib/%i $COMMAND\n`,
	);
	// Only the files of web have changed.
	writeFileSync(join(directory, "sigtool"), `case "$*" in *web) echo "wrong files"; exit 1;; esac\n`);
	const { status, stdout } = spawnSync("sh", [join(HOOK, "after-upgrade.sh"), directory], {
		encoding: "utf8",
		env: { ...process.env, SIGTOOL: `sh ${join(directory, "sigtool")}` },
	});
	expect(status).toBe(1);
	expect(stdout).toMatch(/next restart: signed@web\.service \n {4}wrong files\n/);
	expect(stdout).not.toMatch(/api|other|%i/);
});
