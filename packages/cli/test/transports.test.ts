/** Moves trees with other tools, and verifies and restores the files' attributes afterwards. */

import { appendFileSync, chmodSync, mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram } from "../../../test/outside.js";
import {
	type AttributeNamespace,
	canWriteAttributes,
	makeSelfSigned,
	makeTree,
	type Run,
	runner,
	type TreeEntry,
	temporaryDirectory,
} from "./support.js";

const LIBRARY: Record<string, TreeEntry> = {
	"package.json": '{ "name": "library", "version": "1.0.0" }\n',
	"index.js": "export * from './lib/a.js';\n",
	"lib/a.js": "export const a = 1;\n",
	"lib/empty.js": "",
	"lib/large.txt": "a line of a large file\n".repeat(20_000),
	"lib/with space ü.js": "export const u = 1;\n",
	"bin/run": { content: "#!/bin/sh\n", mode: 0o755 },
	"bin/shared.sh": { content: "#!/bin/sh\n", mode: 0o775 },
	"bin/a": { link: "../lib/a.js" },
};
const FILES = Object.keys(LIBRARY)
	.filter((path) => path !== "bin/a")
	.sort();

interface Transport {
	readonly name: string;
	/** The programs that the transport needs besides coreutils. */
	readonly needs: readonly string[];
	/** Moves the tree `from` to `to`, which does not exist yet. `spare` is a directory for temporary files. */
	readonly move: (from: string, to: string, spare: string) => void;
	readonly keeps: readonly AttributeNamespace[];
	/** The catalog's findings after the move. Undefined if there are none. */
	readonly differs?: readonly (readonly [path: string, code: string])[];
}

const TRANSPORTS: readonly Transport[] = [
	{ name: "cp -r", needs: [], move: (from, to) => run("cp", "-r", from, to), keeps: [] },
	{ name: "cp -a", needs: [], move: (from, to) => run("cp", "-a", from, to), keeps: ["user", "security"] },
	{ name: "rsync -a", needs: ["rsync"], move: (from, to) => run("rsync", "-a", `${from}/`, to), keeps: [] },
	{
		name: "rsync -aX",
		needs: ["rsync"],
		move: (from, to) => run("rsync", "-aX", `${from}/`, to),
		keeps: ["user", "security"],
	},
	{ name: "tar", needs: ["tar"], move: tar(), keeps: [] },
	{ name: "tar --xattrs", needs: ["tar"], move: tar("--xattrs"), keeps: ["user"] },
	{
		name: "tar --xattrs --xattrs-include='*'",
		needs: ["tar"],
		move: tar("--xattrs", "--xattrs-include=*"),
		keeps: ["user", "security"],
	},
	{ name: "npm pack", needs: ["npm", "tar"], move: npmPack, keeps: [], differs: [["bin/a", "ERR_FILE_MISSING"]] },
	{ name: "zip -y and unzip", needs: ["zip", "unzip"], move: zip, keeps: [] },
	{ name: "git commit and clone", needs: ["git"], move: gitClone, keeps: [] },
	{
		name: "cp -al, hard links",
		needs: [],
		move: (from, to) => run("cp", "-al", from, to),
		keeps: ["user", "security"],
	},
	{ name: "mv", needs: [], move: (from, to) => run("mv", from, to), keeps: ["user", "security"] },
];

function run(program: string, ...args: string[]): void {
	execFileSync(program, args, { stdio: "pipe" });
}

function tar(...options: string[]): Transport["move"] {
	return (from, to, spare) => {
		const archive = join(spare, "library.tar");
		run("tar", ...options, "-C", dirname(from), "-cf", archive, basename(from));
		run("tar", ...options, "-C", dirname(to), "-xf", archive);
	};
}

function npmPack(from: string, to: string, spare: string): void {
	execFileSync("npm", ["pack", "--offline", "--ignore-scripts", "--pack-destination", spare], {
		cwd: from,
		env: { ...process.env, npm_config_cache: join(spare, "cache"), npm_config_update_notifier: "false" },
		stdio: "pipe",
	});
	mkdirSync(to);
	run("tar", "-C", to, "--strip-components=1", "-xzf", join(spare, "library-1.0.0.tgz"));
}

function zip(from: string, to: string, spare: string): void {
	const archive = join(spare, "library.zip");
	execFileSync("zip", ["-qry", archive, basename(from)], { cwd: dirname(from), stdio: "pipe" });
	run("unzip", "-q", archive, "-d", dirname(to));
}

/** Clones by git without global configuration, which could rewrite line ends or sign commits. */
function gitClone(from: string, to: string, spare: string): void {
	const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", HOME: spare };
	const git = (...args: string[]) => {
		execFileSync("sh", ["-c", 'umask 022; exec git "$@"', "sh", ...args], { env, stdio: "pipe" });
	};
	const repository = join(spare, "repository");
	run("cp", "-r", from, repository);
	git("-C", repository, "init", "-q");
	git("-C", repository, "add", "--all");
	const author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
	git("-C", repository, ...author, "commit", "-q", "-m", "release");
	git("clone", "-q", repository, to);
	rmSync(join(to, ".git"), { recursive: true });
}

/**
 * Makes a signed tree whose catalog carries the signatures. Returns the functions with which its receiver tests a copy.
 * The receiver has no key and trusts one certificate.
 */
function signedLibrary(namespace: AttributeNamespace, formats: readonly string[] = ["cat", "ima", "spython"]) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "from", "library"), LIBRARY);
	const { keyFile, certFile } = makeSelfSigned(join(home, "signer"));
	const outputs = formats.flatMap((format) => ["--format", format]);
	const signing = ["--carry", "ima", "--namespace", namespace, "--key", keyFile, "--cert", certFile];
	expect(runner(home)(["sign", root, ...outputs, ...signing])).toMatchObject({ status: 0 });
	rmSync(keyFile);

	const receiver = runner(join(home, "receiver"), { identity: "none" });
	const trust = ["--trust", certFile, "--json"];
	const verifySigned = (path: string, format: string) => {
		return judged(receiver(["verify", path, "--format", format, "--namespace", namespace, ...trust]));
	};
	return {
		root,
		place: (name: string) => {
			mkdirSync(join(home, name));
			return join(home, name, "library");
		},
		verifyIma: (path: string) => verifySigned(path, "ima"),
		verifyEvm: (path: string) => verifySigned(path, "evm"),
		verifySpython: (path: string) => judged(receiver(["verify", path, "--format", "spython", "--json"])),
		verifyCatalog: (path: string) => judged(receiver(["verify", path, ...trust])),
		restore: (path: string) => {
			const { status, json } = receiver(["restore", path, ...trust]);
			const { written, unchanged, findings } = json();
			return { status, written: written.attributes, unchanged, findings: codes(findings) };
		},
		/** Reads the attributes of all files with getfattr. */
		attributes: (path: string) => getfattr(path, `${namespace}.ima`),
	};
}

type Finding = { readonly path: string; readonly code: string };
type Judged = { readonly path: string; readonly status: string; readonly code?: string };

function codes(findings: readonly Finding[]): [string, string][] {
	return findings.map(({ path, code }): [string, string] => [path, code]).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Returns the exit status, the status and code of each file, and the findings. */
function judged({ status, json }: Run) {
	const [{ attributes = [], findings }] = json().results as [{ attributes?: Judged[]; findings: Finding[] }];
	const files = attributes.map((file) => [file.path, [file.status, file.code].join(" ").trimEnd()]);
	return { status, files: Object.fromEntries(files), findings: codes(findings) };
}

function getfattr(root: string, name: string): Record<string, string> {
	const args = ["-R", "-P", "-h", "-d", "-e", "hex", "-m", `^${name.replace(".", "\\.")}$`, "."];
	const shown = execFileSync("getfattr", args, { cwd: root, encoding: "utf8" });
	return Object.fromEntries(
		[...shown.matchAll(/^# file: (.+)\n.+=(0x\w+)$/gm)].map(([, file, value]) => [file, value]),
	);
}

const each = (status: string) => Object.fromEntries(FILES.map((path) => [path, status]));
const eachFinding = (code: string) => FILES.map((path): [string, string] => [path, code]);
const TRUSTED = { status: 0, files: each("trusted"), findings: [] };
/** Returns the expected result if every file except one is trusted. */
const trustedBut = (path: string, status: string, code: string) => {
	return { status: 1, files: { ...each("trusted"), [path]: `${status} ${code}` }, findings: [[path, code]] };
};
const UNSIGNED = { status: 1, files: each("unsigned ERR_UNSIGNED"), findings: eachFinding("ERR_UNSIGNED") };

describe.each<AttributeNamespace>(["user", "security"])("transports of %s.ima", (namespace) => {
	describe.skipIf(!canWriteAttributes(namespace))(`(needs attr, and rights for ${namespace}.*)`, () => {
		for (const { name, needs, move, keeps, differs = [] } of TRANSPORTS) {
			const keptOrLost = keeps.includes(namespace) ? "keeps" : "loses";
			const missing = needs.some((program) => !hasProgram(program));
			const condition = needs.length === 0 ? "" : ` (needs ${needs.join(" and ")})`;
			test.skipIf(missing)(`${name} ${keptOrLost} it, and restore writes what is missing${condition}`, () => {
				const { root, place, verifyIma, verifySpython, verifyCatalog, restore, attributes } = signedLibrary(namespace);
				const signed = attributes(root);
				expect(Object.keys(signed)).toHaveLength(FILES.length);
				const to = place("to");
				move(root, to, dirname(place("spare")));

				const isKept = keptOrLost === "keeps";
				expect(attributes(to)).toEqual(isKept ? signed : {});
				expect(verifyIma(to)).toEqual(isKept ? TRUSTED : UNSIGNED);
				const hashOnly = { ...UNSIGNED, files: each("hash-only ERR_UNSIGNED"), findings: [[to, "ERR_UNSIGNED"]] };
				expect(verifySpython(to)).toEqual(keeps.includes("user") ? hashOnly : UNSIGNED);

				const [written, unchanged] = isKept ? [0, FILES.length] : [FILES.length, 0];
				expect(restore(to)).toEqual({ status: 0, written, unchanged, findings: [] });
				expect(restore(to)).toEqual({ status: 0, written: 0, unchanged: FILES.length, findings: [] });
				expect(attributes(to)).toEqual(signed);
				expect(verifyIma(to)).toEqual(TRUSTED);
				expect(verifyCatalog(to)).toEqual({ status: differs.length > 0 ? 1 : 0, files: {}, findings: differs });
			});
		}
	});
});

describe.each<AttributeNamespace>(["user", "security"])("a tree signed with %s.ima", (namespace) => {
	describe.skipIf(!canWriteAttributes(namespace))(`(needs attr, and rights for ${namespace}.*)`, () => {
		test("restore refuses a file that was changed in transit, and restores the others", () => {
			const { root, place, verifyIma, restore, attributes } = signedLibrary(namespace);
			const to = place("to");
			run("cp", "-r", root, to);
			appendFileSync(join(to, "lib/a.js"), "// more\n");
			const findings = [["lib/a.js", "ERR_FILE_MODIFIED"]];
			expect(restore(to)).toEqual({ status: 1, written: FILES.length - 1, unchanged: 0, findings });
			expect(verifyIma(to)).toEqual(trustedBut("lib/a.js", "unsigned", "ERR_UNSIGNED"));
			const { "lib/a.js": _, ...others } = attributes(root);
			expect(attributes(to)).toEqual(others);
		});

		test("sed -i loses an attribute, and restore writes it again if the content is the same", () => {
			const { root, verifyIma, restore } = signedLibrary(namespace);
			run("sed", "-i", "s/never there//", join(root, "lib/a.js"));
			expect(verifyIma(root)).toEqual(trustedBut("lib/a.js", "unsigned", "ERR_UNSIGNED"));
			expect(restore(root)).toEqual({ status: 0, written: 1, unchanged: FILES.length - 1, findings: [] });
			expect(verifyIma(root)).toEqual(TRUSTED);
			run("sed", "-i", "s/1/2/", join(root, "lib/a.js"));
			expect(restore(root)).toMatchObject({ status: 1, written: 0, findings: [["lib/a.js", "ERR_FILE_MODIFIED"]] });
			expect(verifyIma(root)).toEqual(trustedBut("lib/a.js", "unsigned", "ERR_UNSIGNED"));
		});

		test("appending in place leaves an outdated attribute, which is reported and not replaced", () => {
			const { root, verifyIma, verifySpython, restore, attributes } = signedLibrary(namespace);
			const signed = attributes(root);
			appendFileSync(join(root, "lib/a.js"), "// more\n");
			expect(attributes(root)).toEqual(signed);
			expect(verifyIma(root)).toEqual(trustedBut("lib/a.js", "mismatch", "ERR_SIGNATURE"));
			expect(verifySpython(root).files).toEqual({
				...each("hash-only ERR_UNSIGNED"),
				"lib/a.js": "mismatch ERR_FILE_MODIFIED",
			});
			expect(restore(root)).toMatchObject({ status: 1, written: 0, findings: [["lib/a.js", "ERR_FILE_MODIFIED"]] });
			expect(attributes(root)).toEqual(signed);
		});

		test.skipIf(!hasProgram("git"))("git gives files other modes, under which EVM does not hold (needs git)", () => {
			const { root, place, verifyIma, verifyEvm, restore } = signedLibrary(namespace, ["cat", "ima", "evm"]);
			expect(verifyEvm(root)).toEqual(TRUSTED);
			const to = place("to");
			gitClone(root, to, dirname(place("spare")));
			expect(restore(to)).toEqual({ status: 0, written: 2 * FILES.length, unchanged: 0, findings: [] });
			expect(verifyIma(to)).toEqual(TRUSTED);
			expect(verifyEvm(to)).toEqual(trustedBut("bin/shared.sh", "mismatch", "ERR_SIGNATURE"));
			chmodSync(join(to, "bin/shared.sh"), 0o775);
			expect(verifyEvm(to)).toEqual(TRUSTED);
		});
	});
});
