/**
 * Compares sigtool with public tools. Each round runs every program once, as a whole process, and a ratio compares two
 * programs of the same round. See README.md.
 *
 * The exit status is 0 even if a result exceeds its bound, because the table shows which results do. It is 2 for wrong
 * usage, and 3 if something that was asked for could not be measured.
 */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nodeForArch } from "../scripts/single-file/node-program.mjs";
import { CONTAINERS, FORGIVEN_SECONDS, OPENSSL_FACTOR, openBoth } from "./containers.mjs";
import { HOOK, LAUNCHER, LAUNCHER_BOUND, LOADS, NODE_POLICY, PLAIN, signedLoads, WITHOUT_GATE } from "./load.mjs";
import {
	HOOKS_ALONE,
	ISOLATED,
	NOTHING_VERIFIED,
	pythons,
	SIGNED,
	signedPython,
	WITHOUT_AUDIT,
} from "./load-python.mjs";
import { measure, peakRssMib, run, summary } from "./measure.mjs";
import { formatReport, machineLine } from "./report.mjs";
import { LARGE, SMALL, sharedApplications, sharingRuntimes } from "./share.mjs";
import { referenceTree } from "./trees.mjs";

const USAGE = `usage: pnpm bench [--quick] [--full] [--only A|B|C|D|start|catalog|index|revocation|load|python|sharing|attributes|containers|events|log|single|M]… [--trees DIR] [--json|--markdown]

  --quick       fewer rounds, 4 big files instead of 20, attributes on 10,000 files instead of 100,000
  --full        also the tree of 1,000,000 files
  --only NAME   only this part; may be repeated
  --trees DIR   where the reference trees are kept (about 9 GB; default: $XDG_CACHE_HOME/sigtool-bench)
`;

const XARGS = "find | xargs -P2 -n500 sha256sum";
/** On few big files, this form gives each process as much as the other. */
const XARGS_ONE = "find | xargs -P2 -n1 sha256sum";
const [C, HASHING, SIGN, VERIFY, SUMS] = [
	"C, 2 threads",
	"sigtool, hashing alone",
	"sigtool sign",
	"sigtool verify",
	"sha256sum -c",
];
const ATTRIBUTE_LOOP = "C, 1 thread";
/**
 * sigtool examines a file a second time if the file's times are less than this number of milliseconds old. Only a tree
 * that was just written has such files, so the bench waits for this time after writing.
 */
const SETTLED_MS = 3000;
/** The number of catalogs above a file that have nothing to do with it. */
const FOREIGN = 10;
const HASHING_BOUNDS = { A: 1.15, B: 1.15, C: 0.7, D: 0.75 };

const beside = (path) => fileURLToPath(new URL(path, import.meta.url));
const node = (...argv) => [process.execPath, ...argv];
const sigtool = (...argv) => node(beside("../packages/cli/dist/main.cjs"), ...argv);

const options = parseOptions();
const cacheDir = options.trees ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sigtool-bench");
mkdirSync(cacheDir, { recursive: true });
const scratch = mkdtempSync(join(cacheDir, "run-"));
const env = { ...process.env, XDG_CONFIG_HOME: join(scratch, "config"), LC_ALL: "C" };
// With NODE_EXTRA_CA_CERTS every start of Node.js 20 takes 36 ms longer. So the variable is removed.
delete env.NODE_EXTRA_CA_CERTS;
delete env.NODE_OPTIONS;

const result = { machine: machineLine(), trees: [], rows: [], comparison: [], notMeasured: [] };
const parts = {
	A: () => compareOnTree("A"),
	B: () => compareOnTree("B"),
	C: () => compareOnTree("C"),
	D: () => compareOnTree("D"),
	start: compareStart,
	catalog: openLargeCatalog,
	index: openLargeIndex,
	revocation: readLargeList,
	load: loadModules,
	python: loadPython,
	sharing: shareIndex,
	attributes: writeAttributes,
	containers: openContainers,
	events: sendEvents,
	log: readLog,
	single: compareSingleFile,
	M: signMillion,
};
try {
	for (const name of options.only ?? Object.keys(parts).filter((part) => part !== "M" || options.full)) {
		attempt(name, parts[name]);
	}
	process.stdout.write(
		options.json
			? `${JSON.stringify(result, null, "\t")}\n`
			: formatReport(result, options.markdown ? "markdown" : "columns"),
	);
} finally {
	rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = result.notMeasured.length > 0 ? 3 : 0;

/**
 * Compares the time for hashing a tree with that of other tools. On tree B, also compares `sign` and `verify` with
 * sha256sum.
 */
function compareOnTree(name) {
	const { path } = tree(name);
	const programs = [
		{ name: C, argv: [compile("hash-tree.c"), path], hashes: true },
		{ name: HASHING, argv: node(beside("hash-only.mjs"), path), hashes: true },
		{ name: XARGS, argv: shell('find "$1" -type f -print0 | xargs -0 -P2 -n500 sha256sum', path), hashes: true },
		{ name: "hashdeep -j2", argv: ["hashdeep", "-c", "sha256", "-r", "-o", "f", "-j2", path], hashes: true },
		{ name: "Python hashlib loop", argv: [python(), beside("seed-loop.py"), path], hashes: true },
	];
	if (name === "B") {
		const sums = join(scratch, "B.sums");
		attempt(SUMS, () =>
			run({ argv: shell('find . -type f -print0 | xargs -0 sha256sum > "$1"', sums), cwd: path }, env),
		);
		const catalog = join(scratch, "B.cat");
		programs.push(
			{ name: SIGN, argv: sigtool("sign", path, "-o", catalog, "--force") },
			{ name: VERIFY, argv: sigtool("verify", path, "--catalog", catalog) },
			{ name: SUMS, argv: ["sha256sum", "--quiet", "-c", sums], cwd: path, silent: true },
		);
	}
	if (name === "C") {
		programs.push(
			{ name: XARGS_ONE, argv: shell('find "$1" -type f -print0 | xargs -0 -P2 -n1 sha256sum', path), hashes: true },
			{ name: SIGN, argv: sigtool("sign", path, "-o", join(scratch, "C.cat"), "--force") },
		);
	}
	const times = timed(name, programs, options.quick ? 3 : 5);
	for (const program of times.keys()) {
		if (times.has(C)) result.comparison.push({ tree: name, program, ...ratio(times, program, C) });
	}
	boundedRatio(`hashing alone, tree ${name} ÷ C program`, times, HASHING, C, HASHING_BOUNDS[name]);
	if (name === "C") boundedRatio("sign tree C ÷ xargs -n1 sha256sum", times, SIGN, XARGS_ONE, 0.7);
	if (name === "B") {
		boundedRatio("sign tree B ÷ xargs sha256sum", times, SIGN, XARGS, 0.7);
		boundedRatio("verify tree B ÷ sha256sum -c", times, VERIFY, SUMS, 0.65);
	}
}

function compareStart() {
	const directory = join(scratch, "one");
	mkdirSync(directory);
	writeFileSync(join(directory, "hello.txt"), "hello\n");
	attempt("sign one file", () => run({ argv: sigtool("sign", directory) }, env));
	const programs = [
		{ name: "node -e 0", argv: node("-e", "0"), silent: true },
		{ name: "--help", argv: sigtool("--help") },
		{ name: "verify", argv: sigtool("verify", join(directory, "hello.txt")) },
	];
	const times = timed("start", programs, options.quick ? 11 : 101);
	boundedRatio("sigtool --help ÷ node -e 0", times, "--help", "node -e 0", 1.5);
	boundedRatio("sigtool verify of one file ÷ node -e 0", times, "verify", "node -e 0", 1.8);
}

/** Compares the single file with the npm package on the same Node.js. Both verify one file. */
function compareSingleFile() {
	const program = join(scratch, `sigtool-linux-${process.arch}`);
	run({ argv: node(beside("../scripts/single-file.mjs"), "--out", scratch) }, process.env);
	const directory = join(scratch, "alone");
	mkdirSync(directory);
	writeFileSync(join(directory, "hello.txt"), "hello\n");
	run({ argv: sigtool("sign", directory) }, env);
	const npm = [nodeForArch(process.arch).program, beside("../packages/cli/dist/main.cjs")];
	for (const args of [["--help"], ["verify", join(directory, "hello.txt")]]) {
		const programs = [
			{ name: "npm", argv: [...npm, ...args] },
			{ name: "single", argv: [program, ...args] },
		];
		const times = timed("single", programs, options.quick ? 11 : 101);
		boundedRatio(`single file ${args[0]} ÷ npm package on the same Node.js`, times, "single", "npm", 1.3);
	}
}

/** Verifies one file of tree B by the catalog of the whole tree. Most of the time is spent on reading that catalog. */
function openLargeCatalog() {
	const { path } = tree("B");
	const directory = join(scratch, "many");
	const file = join(directory, "d0000", "f0000");
	mkdirSync(join(directory, "d0000"), { recursive: true });
	copyFileSync(join(path, "d0000", "f0000"), file);
	run({ argv: sigtool("sign", path, "-o", join(directory, "many.cat"), "--force") }, env);
	const program = { name: "verify", argv: sigtool("verify", file) };
	const times = timed("catalog", [program], options.quick ? 3 : 7);
	const name = "verify one file, catalog of 100,000 members";
	if (times.has("verify")) bounded(name, summary(times.get("verify")), 0.3, " s");
	bounded(`${name}, peak memory`, summary([memory(program), memory(program), memory(program)]), 250, " MiB");
	searchBelowOthers(path);
}

/**
 * Verifies one file beneath catalogs that have nothing to do with it, signed and not, and the same file without them. The
 * bound of a time is that for each 100,000 members.
 */
function searchBelowOthers(path) {
	const directories = ["none", "signed", "unsigned"].map((name) => join(scratch, "below", name));
	for (const directory of directories) {
		mkdirSync(join(directory, "lib"), { recursive: true });
		writeFileSync(join(directory, "lib", "file"), "1\n");
		run({ argv: sigtool("sign", join(directory, "lib")), silent: true }, env);
	}
	const [none, ...others] = directories.map((directory) => {
		return { name: directory, argv: sigtool("verify", join(directory, "lib", "file")) };
	});
	for (const [index, options] of [[], ["--unsigned"]].entries()) {
		const first = join(directories[index + 1], "catalog-0.cat");
		run({ argv: sigtool("sign", path, "-o", first, ...options), silent: true }, env);
		for (let n = 1; n < FOREIGN; n++) copyFileSync(first, join(directories[index + 1], `catalog-${n}.cat`));
	}
	const times = timed("catalog", [none, ...others], options.quick ? 3 : 7);
	for (const [index, { name: program }] of others.entries()) {
		const what = `beneath ${FOREIGN} other ${["signed", "unsigned"][index]} catalogs of 100,000 members`;
		const seconds = times.get(program)?.map((time, round) => (time - times.get(none.name)[round]) / FOREIGN);
		if (seconds !== undefined) bounded(`verify one file ${what}, for each`, summary(seconds), 0.1, " s");
		const more = [1, 2, 3].map(() => memory(others[index]) - memory(none));
		bounded("the same, peak memory for all", summary(more), 100, " MiB");
	}
}

/**
 * Measures the time for reading and verifying an index and one look-up in it, divided by the time of a whole process of
 * `sha256sum`. The process that opens the index measures itself. So the time excludes the start of Node.js and the
 * loading of modules. It includes the time that V8 needs to run code for the first time.
 */
function openLargeIndex() {
	const [index, certificate] = [join(scratch, "large.sigx"), join(scratch, "large.der")];
	const name = "verify an index of 100,000 files ÷ sha256sum of it";
	attempt("index", () => {
		run({ argv: node(beside("make-index.mjs"), "100000", index, certificate), silent: true }, env);
		const open = { argv: node(beside("open-index.mjs"), index, certificate) };
		const sums = [{ name: "sha256sum", argv: ["sha256sum", index] }];
		const ratios = Array.from({ length: options.quick ? 7 : 31 }, () => {
			const seconds = timed("index", sums, 1).get("sha256sum")[0];
			return Number(run(open, env)) / 1000 / seconds;
		});
		bounded(name, summary(ratios), 2.5, "");
	});
}

/**
 * Measures how long the verification of one file takes with a revocation list of a million certificates. Compares the
 * time with that of `openssl verify`.
 */
function readLargeList() {
	const directory = join(scratch, "revocation");
	const at = (name) => join(directory, name);
	mkdirSync(at("tree"), { recursive: true });
	writeFileSync(at("tree/file.js"), "1\n");
	run({ argv: node(beside("make-list.mjs"), "1000000", directory), silent: true }, env);
	run({ argv: sigtool("sign", at("tree"), "--key", at("signer.key"), "--cert", at("signer.pem")) }, env);
	const name = "verify with a revocation list of 1,000,000 certificates";
	const theirs = { name: "openssl verify -crl_check", argv: ["openssl", "verify", "-crl_check"] };
	theirs.argv.push("-CAfile", at("root.pem"), "-CRLfile", at("list.pem"), at("signer.pem"));
	for (const list of ["list.der", "list.pem"]) {
		const argv = sigtool("verify", at("tree"), "--trust", at("root.pem"), "--ocsp", "off", "--crl", at(list));
		const times = timed("revocation", [{ name, argv }, theirs], options.quick ? 3 : 7);
		const row = `${name}, ${list.endsWith("pem") ? "PEM" : "DER"}`;
		if (times.has(name)) bounded(row, summary(times.get(name)), 1, " s");
		boundedRatio(`${row} ÷ ${theirs.name}, PEM`, times, name, theirs.name, undefined);
		bounded(`${row}, peak memory`, summary([memory({ argv }), memory({ argv }), memory({ argv })]), 150, " MiB");
	}
}

/** Measures programs that only load their modules, first under the hook alone and then under the launcher. */
function loadModules() {
	const programsOf = signedLoads({ scratch, env, sigtool });
	for (const release of options.quick ? ["20", "24"] : ["20", "22", "24", "26"]) {
		for (const { name, script, bounds } of LOADS) {
			const part = `load ${name}, Node.js ${release}`;
			attempt(part, () => {
				const times = timed(part, programsOf(release, script), options.quick ? 5 : 11);
				boundedRatio(`${part}: hook ÷ plain`, times, HOOK, PLAIN, bounds[release]);
				const bound = release === "20" ? undefined : LAUNCHER_BOUND;
				boundedRatio(`${part}: launcher ÷ plain`, times, LAUNCHER, PLAIN, bound);
				boundedRatio(`${part}: launcher ÷ launcher without gate`, times, LAUNCHER, WITHOUT_GATE, undefined);
				boundedRatio(`${part}: ${NODE_POLICY} ÷ plain`, times, NODE_POLICY, PLAIN, undefined);
			});
		}
	}
}

/**
 * Measures the processor time of whole CPython processes that load modules, load an archive, or do nothing. All modules
 * are signed.
 */
function loadPython() {
	for (const python of pythons(options.quick)) {
		const part = `CPython ${python.version}`;
		attempt(part, () => {
			const signed = signedPython(python, { scratch, env, sigtool });
			const processor = (name, programs, rounds) => timed(`${part}, ${name}`, silent(programs), rounds, "processor");
			const modules = processor("modules", signed.of("load-modules.py"), options.quick ? 11 : 41);
			boundedRatio(`${part}, 350 modules: spython ÷ python3 -I`, modules, SIGNED, ISOLATED, 1.1);
			boundedRatio(`${part}, 350 modules: spython ÷ ${NOTHING_VERIFIED}`, modules, SIGNED, NOTHING_VERIFIED, undefined);
			boundedRatio(
				`${part}, 350 modules: audit hook ÷ none, extension modules not digested`,
				modules,
				HOOKS_ALONE,
				WITHOUT_AUDIT,
				1.03,
			);
			const archive = processor("archive", signed.of("load-zip.py"), options.quick ? 5 : 21);
			boundedRatio(`${part}, archive: spython ÷ python3 -I`, archive, SIGNED, ISOLATED, 1.1);
			boundedRatio(`${part}, archive: spython ÷ ${NOTHING_VERIFIED}`, archive, SIGNED, NOTHING_VERIFIED, undefined);
			const pass = processor("pass", signed.of("pass.py"), options.quick ? 21 : 101);
			boundedDifference(`${part}, pass: spython − python3 -I`, pass, SIGNED, ISOLATED, 3);
			boundedDifference(`${part}, pass: spython − ${NOTHING_VERIFIED}`, pass, SIGNED, NOTHING_VERIFIED, undefined);
		});
	}
	attempt("index of CPython", indexOfPython);
}

/**
 * Measures how much longer a start takes with 100,000 more files in the index. The unit is the time of `sha256sum` for
 * that index.
 */
function indexOfPython() {
	const [python] = pythons(true);
	const signed = signedPython(python, { scratch: join(scratch, "index"), env, sigtool });
	const [small, large] = [signed.makeIndex(), signed.makeIndex([tree("B").path])];
	const programs = [
		{ name: "small", argv: signed.indexed(small, "pass.py") },
		{ name: "large", argv: signed.indexed(large, "pass.py") },
		{ name: "sha256sum", argv: ["sha256sum", large] },
	];
	const times = timed("index of CPython", silent(programs), options.quick ? 21 : 101, "processor");
	const added = times.get("large").map((seconds, round) => seconds - times.get("small")[round]);
	const ratios = added.map((seconds, round) => seconds / times.get("sha256sum")[round]);
	bounded("spython, 100,000 files more in the index ÷ sha256sum of it", summary(ratios), 2.5, "");
}

/**
 * Starts many processes with an index of 10 files and as many with one of 100,000 files, and compares their memory and
 * the processor time of their starts.
 */
function shareIndex() {
	const launchersFor = sharedApplications({ scratch, env, sigtool });
	const count = options.quick ? 10 : 50;
	for (const runtime of sharingRuntimes()) {
		const part = `${count} × ${runtime.name}`;
		attempt(part, () => {
			const argv = launchersFor(runtime);
			const cost = (size) =>
				JSON.parse(run({ argv: node(beside("start-many.mjs"), String(count), ...argv[size]) }, env));
			const rounds = Array.from({ length: options.quick ? 3 : 5 }, (_, round) => {
				progress(`${part}, round ${round + 1}`);
				return { small: cost(SMALL), large: cost(LARGE) };
			});
			const added = (key) => summary(rounds.map(({ small, large }) => large[key] - small[key]));
			const times = summary(rounds.map(({ small, large }) => large.seconds / small.seconds));
			bounded(`${part}: memory (PSS) of each, 100,000 files in the index − 10 files`, added("pss"), 2, " MiB");
			bounded(`${part}: memory of its own, 100,000 files in the index − 10 files`, added("own"), 2, " MiB");
			bounded(`${part}: start, 100,000 files in the index ÷ 10 files`, times, 1.3, "");
		});
	}
}

/** Marks programs that print nothing when they succeed. */
function silent(programs) {
	return programs.map((program) => ({ ...program, silent: true }));
}

/** Compares how fast programs write attributes. The attributes are removed before every run. */
function writeAttributes() {
	const { path } = tree(options.quick ? "B-quick" : "B");
	const rounds = options.quick ? 3 : 5;
	for (const format of ["spython", "ima-hash"]) {
		const loop = (action) => [compile("set-attributes.c"), action, format, path];
		const setting = {
			before: () => stripped(() => run({ argv: loop("remove") }, env)),
			evidence: { argv: loop("read") },
			hashes: true,
		};
		const programs = [
			{ name: ATTRIBUTE_LOOP, argv: loop("write"), ...setting },
			{ name: SIGN, argv: sigtool("sign", path, "--format", format, "--namespace", "user"), ...setting },
		];
		const times = timed(`attributes, ${format}`, programs, rounds);
		// The bound holds for 100,000 files. With few files, the start of processes and threads would take most of the
		// time.
		const bound = options.quick ? undefined : 2;
		boundedRatio(`sign --format ${format} ÷ C loop`, times, SIGN, ATTRIBUTE_LOOP, bound);
		attempt("attributes", setting.before);
	}
	reachAttributes(path);
	signIma(path);
}

/**
 * Compares the two ways by which JavaScript reaches attributes: the descriptors of `@sigtool/native`, and the paths of
 * fs-xattr. `sign` uses neither for hashes, because the native threads write these.
 */
function reachAttributes(path) {
	const sign = { argv: sigtool("sign", path, "--format", "spython"), silent: true };
	const strip = { argv: sigtool("strip", path, "--format", "spython"), silent: true };
	attempt("attributes", () => stripped(() => run(sign, env)));
	const [program, ...verify] = sigtool("verify", path, "--format", "spython", "--allow-unsigned");
	const hiding = beside("../packages/core/test/system/without-native-attributes.cjs");
	const programs = [
		{ name: "verify by descriptor", argv: [program, ...verify] },
		{ name: "verify by fs-xattr", argv: [program, "--require", hiding, ...verify] },
	];
	const times = timed("attributes, two ways", programs, options.quick ? 5 : 9, "processor");
	boundedRatio(
		"verify --format spython, processor time: by descriptor ÷ by fs-xattr",
		times,
		"verify by descriptor",
		"verify by fs-xattr",
		undefined,
	);
	attempt("attributes", () => stripped(() => run(strip, env)));
}

/** Compares how fast sigtool and evmctl sign with RSA-2048. Signing is slow, so one round is enough. */
function signIma(path) {
	const [key, certificate] = [join(scratch, "ima.pem"), join(scratch, "ima.crt")];
	const strip = { argv: sigtool("strip", path, "--format", "ima", "--namespace", "user"), silent: true };
	const before = () => stripped(() => run(strip, env));
	const made = ["-subj", "/CN=Bench", "-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", certificate];
	attempt("attributes", () =>
		run({ argv: ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", ...made] }, env),
	);
	const signer = ["--namespace", "user", "--key", key, "--cert", certificate];
	const evmctl = ["evmctl", "ima_sign", "-r", "-t", "f", "-a", "sha256", "--xattr-user", "-k", key, path];
	const programs = [
		{ name: "evmctl ima_sign -r", argv: evmctl, before, silent: true },
		{ name: SIGN, argv: sigtool("sign", path, "--format", "ima", ...signer), before },
	];
	const times = timed("attributes, ima", programs, 1);
	boundedRatio("sign --format ima, RSA-2048 ÷ evmctl ima_sign -r", times, SIGN, "evmctl ima_sign -r", undefined);
	attempt("attributes", before);
}

/**
 * Removes the attributes by calling `strip`, and waits until the disk has written everything. Then waits until no file
 * is so new that sigtool would examine it a second time.
 */
function stripped(strip) {
	strip();
	run({ argv: ["sync"], silent: true }, env);
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLED_MS);
}

/**
 * For each program that writes PKCS#12 containers, measures the time of `sigtool` for one container, minus 1.5 times
 * the time of `openssl`.
 */
function openContainers() {
	for (const container of CONTAINERS) {
		const part = `PKCS#12 of ${container.name}`;
		attempt(part, () => {
			const programs = openBoth(container, { scratch, env, sigtool });
			const times = timed(part, silent(programs), options.quick ? 3 : 7);
			const [ours, theirs] = programs.map(({ name }) => times.get(name));
			if (ours === undefined || theirs === undefined) return;
			const excess = ours.map((seconds, round) => seconds - OPENSSL_FACTOR * theirs[round]);
			bounded(`${part}: sign one file − ${OPENSSL_FACTOR} × openssl pkcs12`, summary(excess), FORGIVEN_SECONDS, " s");
		});
	}
}

/** Compares events that a collector writes with those that a program appends to the file itself. */
function sendEvents() {
	const rounds = options.quick ? 3 : 11;
	const lines = options.quick ? 200_000 : 1_000_000;
	const measured = JSON.parse(run({ argv: node(beside("events.mjs"), scratch, String(rounds), String(lines)) }, env));
	const { refused, forwarded, appended, stopped, streamed, queued, memory } = measured;
	const later = summary(refused.map((time, round) => time - appended[round]));
	bounded("a refusal by the collector − into the file", later, 50, " µs");
	const slowed = summary(refused.map((time, round) => forwarded[round] - time));
	bounded("a refusal while a receiver of log forward reads nothing − without forwarder", slowed, 50, " µs");
	bounded("an allowed event while the collector stands still", summary(stopped), 50, " µs");
	bounded(`${lines} events in a chained file, one a message`, summary(streamed), lines / 100_000, " s");
	bounded(`${lines} events in a chained file, 50 a message`, summary(queued), lines / 100_000, " s");
	bounded("the same, memory of the collector", summary(memory), 8, " MiB");
}

/** Reads a log of a million events, verifies it, and seals it. The file has 350 MB, so it is read from memory. */
function readLog() {
	const lines = options.quick ? 200_000 : 1_000_000;
	const at = (name) => join(scratch, name);
	run({ argv: node(beside("make-log.mjs"), at("log.jsonl"), String(lines)) }, env);
	run({ argv: ["openssl", "genpkey", "-algorithm", "ed25519", "-out", at("log.key")] }, env);
	run({ argv: ["openssl", "pkey", "-in", at("log.key"), "-pubout", "-out", at("log.pub")] }, env);
	const seal = ["log", "seal", at("log.jsonl"), "-o", at("log.checkpoint"), "--key", at("log.key"), "--force"];
	run({ argv: sigtool(...seal) }, env);
	const verify = ["log", "verify", at("log.jsonl")];
	const programs = [
		{ name: "log --by file", argv: sigtool("log", "--by", "file", at("log.jsonl")) },
		{ name: "log --refused", argv: sigtool("log", "--refused", at("log.jsonl")) },
		{ name: "log verify", argv: sigtool(...verify) },
		{
			name: "log verify --checkpoint",
			argv: sigtool(...verify, "--checkpoint", at("log.checkpoint"), "--trust", at("log.pub")),
		},
		{ name: "log seal", argv: sigtool(...seal) },
		{ name: "sha256sum", argv: ["sha256sum", at("log.jsonl")] },
	];
	const times = timed("log", programs, options.quick ? 3 : 7);
	for (const { name, argv } of programs.slice(0, -1)) {
		const row = `${name}, ${lines} events`;
		if (times.has(name)) bounded(row, summary(times.get(name)), lines / 100_000, " s");
		bounded(`${row}, peak memory`, summary([memory({ argv })]), 150, " MiB");
	}
	boundedRatio("log verify ÷ sha256sum of the file", times, "log verify", "sha256sum", undefined);
}

function signMillion() {
	const { path } = tree("M");
	const program = { argv: sigtool("sign", path, "-o", join(scratch, "M.cat"), "--force") };
	bounded("sign 1,000,000 files, peak memory", summary([memory(program)]), 1024, " MiB");
}

function tree(name) {
	progress(`tree ${name}`);
	const found = referenceTree(name === "C" && options.quick ? "C-quick" : name, cacheDir);
	if (!result.trees.some((known) => known.name === name)) {
		result.trees.push({ name, files: found.files, bytes: found.bytes });
	}
	return found;
}

function timed(part, programs, rounds, clock) {
	const problem = (text) => result.notMeasured.push(`${part}: ${text}`);
	return measure(programs, { rounds, env, problem, clock, progress: (text) => progress(`${part}: ${text}`) });
}

function memory({ argv }) {
	return peakRssMib({ argv }, { env, scratch: join(scratch, "time") });
}

function ratio(times, of, by) {
	const denominators = times.get(by);
	return summary(times.get(of).map((seconds, round) => seconds / denominators[round]));
}

/** Adds a row for a ratio, unless a program could not run. In this case `timed` has already reported the program. */
function boundedRatio(name, times, of, by, bound) {
	if (times.has(of) && times.has(by)) bounded(name, ratio(times, of, by), bound, "");
}

function boundedDifference(name, times, of, by, bound) {
	if (!times.has(of) || !times.has(by)) return;
	const differences = times.get(of).map((seconds, round) => 1000 * (seconds - times.get(by)[round]));
	bounded(name, summary(differences), bound, " ms");
}

function bounded(name, measured, bound, unit) {
	const verdict = bound === undefined ? undefined : measured.median <= bound ? "ok" : "over";
	result.rows.push({ name, ...measured, bound, unit, verdict });
}

function attempt(name, action) {
	try {
		action();
	} catch (error) {
		result.notMeasured.push(`${name}: ${error.message}`);
	}
}

function shell(script, argument) {
	return ["sh", "-c", script, "sh", argument];
}

/** Compiles a C program. If there is no compiler, the failure is reported when that program is run. */
function compile(source) {
	const program = join(scratch, source.replace(/\.c$/, ""));
	if (!existsSync(program)) {
		attempt("C program", () =>
			run({ argv: ["cc", "-O2", "-std=c17", "-pthread", beside(source), "-o", program, "-lcrypto"] }, env),
		);
	}
	return program;
}

/**
 * Returns the path of the interpreter's own program, because `python3` can be a slow wrapper script of a version
 * manager.
 */
function python() {
	try {
		return run({ argv: ["python3", "-c", "import sys; print(sys.executable, end='')"] }, env);
	} catch {
		return "python3";
	}
}

function progress(text) {
	process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

function parseOptions() {
	try {
		const { values } = parseArgs({
			options: {
				quick: { type: "boolean" },
				full: { type: "boolean" },
				only: { type: "string", multiple: true },
				trees: { type: "string" },
				json: { type: "boolean" },
				markdown: { type: "boolean" },
				help: { type: "boolean" },
			},
		});
		if (values.help) {
			process.stdout.write(USAGE);
			process.exit(0);
		}
		const names = [
			"A",
			"B",
			"C",
			"D",
			"start",
			"catalog",
			"index",
			"revocation",
			"load",
			"python",
			"sharing",
			"attributes",
			"containers",
			"events",
			"log",
			"single",
			"M",
		];
		const unknown = values.only?.find((name) => !names.includes(name));
		if (unknown !== undefined) throw new Error(`Unknown part "${unknown}"`);
		return values;
	} catch (error) {
		process.stderr.write(`${error.message}\n${USAGE}`);
		process.exit(2);
	}
}
