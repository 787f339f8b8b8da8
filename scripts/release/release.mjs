/**
 * Makes a release in one folder, and signs it with the command line that it contains. docs/how-to/release.md describes the
 * folder, and how users check one.
 *
 *   pnpm release [--out DIR] [--signed-with OPTION…]
 *   pnpm release --check [--out DIR]
 *
 * Options of `sigtool sign`, such as --key and --cert, follow `--signed-with`. Without them the development identity of
 * this machine signs, which nobody else trusts.
 */

import { createHash } from "node:crypto";
import {
	cpSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkRegistry } from "./check-registry.mjs";
import { componentsOf } from "./components.mjs";
import { cycloneDx } from "./cyclonedx.mjs";
import { makeDebianPackage } from "./debian-package.mjs";
import { makeImage } from "./image.mjs";
import { requirePrograms } from "./needed-programs.mjs";
import { packTarballs } from "./npm-tarballs.mjs";
import { spdx } from "./spdx.mjs";
import { listTree, normalizeTree } from "./staged-tree.mjs";
import { commit, releaseVersion, root, run } from "./workspace.mjs";

const { out, signing, check } = readArguments(process.argv.slice(2));
try {
	process.exitCode = check ? checkRegistry(out) : await release();
} catch (error) {
	console.error(`error: ${error.message}`);
	process.exitCode = 1;
}

function readArguments(args) {
	const end = args.indexOf("--signed-with");
	const own = (end === -1 ? args : args.slice(0, end)).filter((each) => each !== "--");
	const signing = end === -1 ? [] : args.slice(end + 1);
	const check = own[0] === "--check";
	if (check) own.shift();
	const out = own[0] === "--out" && own.length === 2 ? own[1] : undefined;
	const isSigning = end === -1 || signing.length > 0;
	if (isSigning && (own.length === 0 || out !== undefined))
		return { out: resolve(process.env.INIT_CWD ?? ".", out ?? join(root, "release")), signing, check };
	console.error("Usage: pnpm release [--out DIR] [--signed-with OPTION…] | pnpm release --check [--out DIR]");
	process.exit(2);
}

async function release() {
	const version = releaseVersion();
	const { id, seconds, dirty } = commit();
	const facts = { version, commit: dirty ? `${id} with changes` : id, seconds };
	process.umask(process.umask() | 0o022);
	mkdirSync(out, { recursive: true });
	// Whoever can write to the folder could exchange a file between its making and its signature.
	if (isOpenToOthers(out))
		throw new Error(`Cannot release into ${out}: other users can write to it; name a folder of yours with --out`);
	if (readdirSync(out).length > 0)
		throw new Error(`Cannot release into ${out}: it is not empty; remove it, or name another folder with --out`);
	requirePrograms();
	// Started by pnpm, it builds first. A test builds by itself.
	const isStarted = process.env.npm_lifecycle_event === "release";
	if (isStarted) build("build");
	say(`sigtool ${version}, commit ${facts.commit}`);
	if (dirty) say("the checkout has uncommitted changes, and the bills of materials say so");
	trySigning();
	// This takes minutes, so the key is tried before.
	if (isStarted) build("native:all");

	const packages = packTarballs(out);
	say(`${packages.length} npm packages`);
	const executables = makeExecutables();
	copyShellFiles(facts);
	const debian = await makeDebianPackages(executables, facts);
	const image = makeImageOf(executables.get(process.arch), facts);

	const components = componentsOf({ packages, executables: [...executables.values()], debian, image, version });
	const write = (name, document) => writeFileSync(join(out, name), `${JSON.stringify(document, null, "\t")}\n`);
	write(`sigtool-${version}.cdx.json`, cycloneDx(components, facts));
	write(`sigtool-${version}.spdx.json`, spdx(components, facts));
	writeFileSync(join(out, "SHA256SUMS"), checksums());
	sign(facts);
	say(`${out} is complete`);
	return 0;
}

function isOpenToOthers(folder) {
	const { uid, mode } = statSync(folder);
	return (mode & 0o022) !== 0 || [uid, lstatSync(folder).uid].some((owner) => owner !== process.getuid());
}

function build(script) {
	run("npx", ["-y", "pnpm@12", "run", "--if-present", script], { cwd: root, stdio: "inherit" });
}

/** Makes the single executable for each processor. Returns their paths by the processor. */
function makeExecutables() {
	const script = join(root, "scripts/single-file.mjs");
	return new Map(
		["x64", "arm64"].map((arch) => {
			run(process.execPath, [script, "--out", out, "--arch", arch], { cwd: root });
			say(`sigtool-linux-${arch}`);
			return [arch, join(out, `sigtool-linux-${arch}`)];
		}),
	);
}

/** Puts completions and manual pages beside the single executables, because a single executable does not install its own. */
function copyShellFiles({ seconds }) {
	for (const name of ["completion", "man"]) {
		cpSync(join(root, "packages/cli/dist", name), join(out, name), { recursive: true });
		normalizeTree(join(out, name), seconds);
	}
	say("completions and manual pages");
}

async function makeDebianPackages(executables, facts) {
	const made = [];
	for (const [arch, single] of executables) {
		made.push(await makeDebianPackage(out, { ...facts, arch, single }));
		say(made.at(-1).file.slice(out.length + 1));
	}
	return made;
}

function makeImageOf(executable, facts) {
	const image = makeImage(join(out, "image"), { ...facts, executable, arch: process.arch });
	say(`image ${image.digest}`);
	return image;
}

/** Returns the lines of SHA256SUMS, in the form of sha256sum. */
function checksums() {
	return listTree(out)
		.filter(({ stats }) => stats.isFile())
		.map(
			({ path }) =>
				`${createHash("sha256")
					.update(readFileSync(join(out, path)))
					.digest("hex")}  ${path}\n`,
		)
		.join("");
}

/** Signs an empty file, so that a wrong key or passphrase is known before minutes of building. */
function trySigning() {
	const folder = mkdtempSync(join(tmpdir(), "sigtool-trial-"));
	try {
		writeFileSync(join(folder, "empty"), "");
		runSign([folder, ...signing]);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Signs everything in the folder with the command line that was just packed. Its notes and warnings are shown. */
function sign({ version, seconds }) {
	const catalog = join(out, `sigtool-${version}.cat`);
	const options = ["--product", "sigtool", "--sequence", String(seconds), ...signing];
	console.log(runSign([out, "-o", catalog, ...options], { SOURCE_DATE_EPOCH: String(seconds) }).trimEnd());
}

/** Returns what the command prints on standard output; its standard error is shown. @throws if it fails */
function runSign(args, variables = {}) {
	const main = join(root, "packages/cli/dist/main.cjs");
	const env = { ...process.env, ...variables };
	return run(process.execPath, [main, "sign", ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
}

function say(text) {
	console.log(`  ${text}`);
}
