/**
 * Has each tool sign a tree and verify it. A tool that knows only single files is called for each regular file that is
 * in the tree, as a script around it would do. Every tool gets keys that are made for the run.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SIGTOOL = fileURLToPath(new URL("../../packages/cli/dist/main.cjs", import.meta.url));

/** Runs a program and returns its exit status with the lines that it wrote. */
function call(program, args, options = {}) {
	const env = { ...process.env, COSIGN_PASSWORD: "", NO_COLOR: "1", LANG: "C.UTF-8", XDG_CONFIG_HOME: options.keys };
	delete env.SIGTOOL_DEVELOPMENT;
	const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", env, ...options });
	if (error !== undefined) throw new Error(`Cannot compare: ${program} does not start`, { cause: error });
	return { status, lines: `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "") };
}

/** Calls a program that must succeed. */
function must(program, args, options) {
	const { status, lines } = call(program, args, options);
	if (status !== 0) throw new Error(`Cannot compare: ${[program, ...args].join(" ")}\n${lines.join("\n")}`);
}

/** Makes the keys for all tools in a new folder: one key of OpenSSL, one of minisign, one of cosign. */
export function makeKeys(keys) {
	const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Release";
	const extensions = ["-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=codeSigning"];
	must("openssl", [...request.split(" "), ...extensions, "-keyout", "key.pem", "-out", "cert.pem"], { cwd: keys });
	must("openssl", "x509 -in cert.pem -outform DER -out cert.der".split(" "), { cwd: keys });
	must("minisign", "-G -W -p minisign.pub -s minisign.key".split(" "), { cwd: keys });
	must("cosign", ["generate-key-pair"], { cwd: keys });
}

/** Returns the paths of the regular files that are not signatures. */
function regularFiles(folder) {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && !/\.(minisig|sig|cat)$/.test(entry.name))
		.map((entry) => join(entry.parentPath, entry.name))
		.sort();
}

/** Verifies files one by one, and returns the first failure or the last success. */
function each(files, verify) {
	let result = { status: 0, lines: [] };
	for (const file of files) {
		result = verify(file);
		if (result.status !== 0) return result;
	}
	return result;
}

const isScript = (file) => file.endsWith(".ps1");

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} program the program that must be there
 * @property {string} how what the loop around it does, in the words of a table
 * @property {(path: string) => string[]} beside the files in which the signature of a file is
 * @property {(folder: string, keys: string) => void} sign
 * @property {(folder: string, keys: string) => { status: number | null, lines: string[] }} verify
 */

const BESIDE_NOTHING = () => [];

/** @type {readonly Tool[]} */
export const TOOLS = [
	{
		name: "sigtool",
		program: process.execPath,
		how: "`sigtool sign app`, `sigtool verify app --trust cert.pem`",
		beside: BESIDE_NOTHING,
		sign: (folder, keys) =>
			must(process.execPath, [SIGTOOL, "sign", folder, "--key", `${keys}/key.pem`, "--cert", `${keys}/cert.pem`], {
				keys,
			}),
		verify: (folder, keys) => {
			const { status, lines } = call(process.execPath, [SIGTOOL, "verify", folder, "--trust", `${keys}/cert.pem`], {
				keys,
			});
			return { status, lines: lines.filter((line) => /\[ERR_/.test(line)) };
		},
	},
	{
		name: "SHA256SUMS, signed by minisign",
		program: "minisign",
		how: "`sha256sum` of all regular files into a list, `minisign -S` of the list; then `minisign -V`, `sha256sum --check`",
		beside: BESIDE_NOTHING,
		sign: (folder, keys) => {
			const list = `find . -type f -print0 | sort -z | xargs -0 sha256sum > "${keys}/SHA256SUMS"`;
			must("sh", ["-c", list], { cwd: folder });
			must("minisign", ["-S", "-s", `${keys}/minisign.key`, "-m", `${keys}/SHA256SUMS`]);
		},
		verify: (folder, keys) => {
			const signature = call("minisign", ["-V", "-p", `${keys}/minisign.pub`, "-m", `${keys}/SHA256SUMS`]);
			if (signature.status !== 0) return signature;
			return call("sha256sum", ["--check", "--strict", "--quiet", `${keys}/SHA256SUMS`], { cwd: folder });
		},
	},
	{
		name: "minisign",
		program: "minisign",
		how: "`minisign -S` of each file, then `minisign -V` of each file that is there",
		beside: (path) => [`${path}.minisig`],
		sign: (folder, keys) => must("minisign", ["-S", "-s", `${keys}/minisign.key`, "-m", ...regularFiles(folder)]),
		verify: (folder, keys) =>
			each(regularFiles(folder), (file) => call("minisign", ["-V", "-p", `${keys}/minisign.pub`, "-m", file])),
	},
	{
		name: "cosign",
		program: "cosign",
		how: "`cosign sign-blob --key` of each file, then `cosign verify-blob` of each file that is there, without a log",
		beside: (path) => [`${path}.sig`],
		sign: (folder, keys) => {
			const flags = ["sign-blob", "--yes", "--key", `${keys}/cosign.key`, "--tlog-upload=false"];
			for (const file of regularFiles(folder)) must("cosign", [...flags, "--output-signature", `${file}.sig`, file]);
		},
		verify: (folder, keys) =>
			each(regularFiles(folder), (file) => {
				const flags = ["verify-blob", "--key", `${keys}/cosign.pub`, "--insecure-ignore-tlog"];
				const { status, lines } = call("cosign", [...flags, "--signature", `${file}.sig`, file]);
				return { status, lines: lines.filter((line) => !line.startsWith("WARNING")) };
			}),
	},
	{
		name: "osslsigncode",
		program: "osslsigncode",
		how: "`osslsigncode sign` of each script, then `verify` of each script that is there; it cannot sign `data.json`",
		beside: BESIDE_NOTHING,
		sign: (folder, keys) => {
			const flags = ["sign", "-certs", `${keys}/cert.pem`, "-key", `${keys}/key.pem`, "-h", "sha256"];
			for (const file of regularFiles(folder).filter(isScript)) {
				must("osslsigncode", [...flags, "-in", file, "-out", `${file}.new`]);
				renameSync(`${file}.new`, file);
			}
		},
		verify: (folder, keys) =>
			each(regularFiles(folder).filter(isScript), (file) => osslsigncode(["-CAfile", `${keys}/cert.pem`, "-in", file])),
	},
	{
		name: "osslsigncode with a catalog of sigtool",
		program: "osslsigncode",
		how: "`osslsigncode verify -catalog app.cat` of each script that is there; it cannot read `data.json`",
		beside: BESIDE_NOTHING,
		sign: (folder, keys) => TOOLS[0]?.sign(folder, keys),
		verify: (folder, keys) => {
			const catalog = ["-catalog", join(folder, "app.cat"), "-CAfile", `${keys}/cert.pem`];
			return each(regularFiles(folder).filter(isScript), (file) => osslsigncode([...catalog, "-in", file]));
		},
	},
	{
		name: "evmctl, IMA",
		program: "evmctl",
		how: "`evmctl ima_sign` of each file, then `evmctl ima_verify` of each file that is there",
		beside: BESIDE_NOTHING,
		sign: (folder, keys) => {
			for (const file of regularFiles(folder))
				must("evmctl", ["ima_sign", "-a", "sha256", "-k", `${keys}/key.pem`, file]);
		},
		verify: (folder, keys) =>
			each(regularFiles(folder), (file) => evmctl(["ima_verify", "-k", `${keys}/cert.der`, file])),
	},
	{
		name: "evmctl, IMA and EVM",
		program: "evmctl",
		how: "`evmctl sign --portable --imasig` of each file, then `ima_verify` and `verify` of each file that is there",
		beside: BESIDE_NOTHING,
		sign: (folder, keys) => {
			const flags = ["sign", "--portable", "--imasig", "-a", "sha256", "-k", `${keys}/key.pem`];
			for (const file of regularFiles(folder)) must("evmctl", [...flags, file]);
		},
		verify: (folder, keys) =>
			each(regularFiles(folder), (file) => {
				const ima = evmctl(["ima_verify", "-k", `${keys}/cert.der`, file]);
				return ima.status === 0 ? evmctl(["verify", "-k", `${keys}/cert.der`, file]) : ima;
			}),
	},
];

function osslsigncode(args) {
	const { status, lines } = call("osslsigncode", ["verify", ...args]);
	return {
		status,
		lines: lines.filter((line) => /mismatch|failed|error|not found|no signature|unsupported/i.test(line)),
	};
}

function evmctl(args) {
	const { status, lines } = call("evmctl", args);
	return { status, lines: lines.filter((line) => /failed|error|invalid/i.test(line)) };
}

/** Says whether the tool can run here. evmctl needs the right to write attributes of the system. */
export function canRun(tool) {
	if (tool.program === "evmctl" && process.getuid?.() !== 0) return false;
	return tool.program.startsWith("/")
		? existsSync(tool.program) && statSync(SIGTOOL).isFile()
		: isInstalled(tool.program);
}

const isInstalled = (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
