/**
 * These techniques use environment variables, options, start-up files and caches, which act before the first line of
 * the program runs.
 */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "../../outside.js";
import { BEFORE_22, EVIL, EVIL_SHELL, type Place, type Technique, withData } from "../technique.js";

const GOOD = "exports.good = true;\n";
const encoded = encodeURIComponent(EVIL);

const options = (name: string, value: (data: string) => string): Technique =>
	withData(name, "", { environment: ({ data }) => ({ NODE_OPTIONS: value(data) }), signed: { "main.mjs": "0;" } });

/** Computes the CRC-32 of zlib, because Node.js 20 has no zlib.crc32(). */
function crc32(bytes: Uint8Array): number {
	let crc = ~0;
	for (const byte of bytes) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc >>> 0;
}

export const CACHED = "exports.good = true;".padEnd(EVIL.length + 20);

/**
 * Makes Node.js cache bytecode of the attacker's text for dep.js, restores the signed text, and puts the checksum of
 * the signed text into the cache entry.
 */
export function poisonCompileCache({ app, data, node, v8Flags }: Place): void {
	const cache = `${data}/cache`;
	mkdirSync(cache);
	const good = readFileSync(`${app}/dep.js`);
	writeFileSync(`${app}/dep.js`, EVIL.padEnd(good.length));
	const environment = { PATH: process.env.PATH, NODE_COMPILE_CACHE: cache };
	execFileSync(node, [...v8Flags, "-e", `require(${JSON.stringify(`${app}/dep.js`)})`], {
		env: environment,
		stdio: "ignore",
	});
	writeFileSync(`${app}/dep.js`, good);
	for (const file of readdirSync(cache, { recursive: true, encoding: "utf8" })) {
		if (!statSync(join(cache, file)).isFile()) continue;
		const entry = readFileSync(join(cache, file));
		entry.writeUInt32LE(crc32(good), 12);
		writeFileSync(join(cache, file), entry);
	}
}

export const NO_CACHE = { 20: "has no compile cache" } as const;
const CACHE_PROGRAM = { "main.js": `require("./dep.js");`, "dep.js": CACHED };

export const environment: readonly Technique[] = [
	options("NODE_OPTIONS with --require", (data) => `--require ${data}/evil.js`),
	options("NODE_OPTIONS with --import of a data: URL", () => `--import data:text/javascript,${encoded}`),
	options("NODE_OPTIONS with --experimental-loader", (data) => `--experimental-loader ${data}/evil.mjs`),
	withData("module found by NODE_PATH", `require("evil");`, { environment: ({ data }) => ({ NODE_PATH: data }) }),
	withData("module found in the home directory", `require("dep-of-nobody");`, {
		arrange: ({ data }) => {
			mkdirSync(`${data}/.node_modules/dep-of-nobody`, { recursive: true });
			writeFileSync(`${data}/.node_modules/dep-of-nobody/index.js`, EVIL);
		},
		environment: ({ data }) => ({ HOME: data }),
	}),
	withData("condition of exports by NODE_OPTIONS", "", {
		signed: {
			"main.js": `require("dep");`,
			"node_modules/dep/package.json": `{"exports":{"debug":"./debug.js","default":"./index.js"}}`,
			"node_modules/dep/index.js": GOOD,
			"node_modules/dep/debug.js": EVIL,
		},
		environment: () => ({ NODE_OPTIONS: "--conditions=debug" }),
	}),
	withData("NODE_PRESERVE_SYMLINKS", "", {
		signed: {
			"main.js": `require("./lib/a.js");`,
			"packages/lib/a.js": `require("dep");`,
			"packages/node_modules/dep/index.js": GOOD,
			"node_modules/dep/index.js": EVIL,
		},
		links: { lib: "packages/lib" },
		environment: () => ({ NODE_PRESERVE_SYMLINKS: "1" }),
	}),
	withData("NODE_OPTIONS in a file of --env-file", "", {
		flags: ({ data }) => [`--env-file=${data}/.env`],
		arrange: ({ data }) => writeFileSync(`${data}/.env`, `NODE_OPTIONS="--require ${data}/evil.js"\n`),
	}),
	withData("options in a configuration file", "", {
		flags: ({ data }) => [`--experimental-config-file=${data}/node.config.json`],
		arrange: ({ data }) =>
			writeFileSync(`${data}/node.config.json`, JSON.stringify({ nodeOptions: { import: [`${data}/evil.mjs`] } })),
		notOn: BEFORE_22,
	}),
	withData("options in the default configuration file", "", {
		flags: () => ["--experimental-default-config-file"],
		changed: { "node.config.json": JSON.stringify({ nodeOptions: { import: [`data:text/javascript,${encoded}`] } }) },
		notOn: BEFORE_22,
	}),
	withData("virtual file system by --vfs-load", "", {
		flags: ({ data }) => ["--experimental-vfs", `--vfs-load=${data}`],
		script: () => [],
		beside: { "package.json": `{"main":"evil.js"}` },
		notOn: { 20: "not in this release", 22: "not in this release", 24: "not in this release" },
	}),
	withData("start-up snapshot", "", {
		flags: ({ data }) => [`--snapshot-blob=${data}/evil.blob`],
		arrange: ({ data, node }) => {
			const program = `require("v8").startupSnapshot.setDeserializeMainFunction(() => { ${EVIL} });`;
			writeFileSync(`${data}/snapshot.js`, program);
			execFileSync(node, ["--snapshot-blob", `${data}/evil.blob`, "--build-snapshot", `${data}/snapshot.js`], {
				stdio: "ignore",
			});
		},
	}),
	withData("start-up snapshot that is built", "", {
		flags: ({ data }) => ["--snapshot-blob", `${data}/out.blob`, "--build-snapshot", `${data}/evil.js`],
	}),
	withData("-e", "", { flags: () => ["-e", EVIL] }),
	withData("-p", "", { flags: () => ["-p", EVIL] }),
	withData("-e as a module", "", { flags: () => ["--input-type=module", "-e", EVIL] }),
	withData("script on standard input", "", { script: () => [], input: ({ data }) => `${data}/evil.txt` }),
	withData("script - on standard input", "", { script: () => ["-"], input: ({ data }) => `${data}/evil.txt` }),
	withData("script /dev/stdin", "", { script: () => ["/dev/stdin"], input: ({ data }) => `${data}/evil.js` }),
	withData("read-eval-print loop", "", { script: () => ["-i"], input: ({ data }) => `${data}/evil.txt` }),
	withData("read-eval-print loop by a module of the environment", "", {
		script: () => ["-i"],
		environment: ({ data }) => ({ NODE_REPL_EXTERNAL_MODULE: `${data}/evil.js` }),
	}),
	withData("test runner by --test", "", {
		flags: ({ data }) => ["--test", `${data}/print.mjs`],
		beside: { "print.mjs": "console.log('evil-ran-' + 6 * 7)" },
	}),
	withData("script of package.json by --run", "", {
		flags: () => ["--run", "evil"],
		changed: { "package.json": JSON.stringify({ scripts: { evil: EVIL_SHELL } }) },
		notOn: { 20: "not in this release" },
	}),
	withData("changed file under --watch", "", {
		signed: { "main.js": "0;" },
		changed: { "main.js": `${EVIL}process.kill(process.ppid);\n` },
		flags: () => ["--watch"],
	}),
	withData("URL as the script by --entry-url", "", {
		flags: () => ["--entry-url"],
		script: () => [`data:text/javascript,${encoded}`],
		notOn: { 20: "not in this release" },
	}),
	withData("compile cache poisoned, by NODE_COMPILE_CACHE", "", {
		signed: CACHE_PROGRAM,
		arrange: poisonCompileCache,
		environment: ({ data }) => ({ NODE_COMPILE_CACHE: `${data}/cache` }),
		notOn: NO_CACHE,
	}),
	withData("compile cache poisoned, by module.enableCompileCache()", "", {
		signed: {
			...CACHE_PROGRAM,
			"main.js": `require("module").enableCompileCache(process.argv[2] + "/cache"); require("./dep.js");`,
		},
		arrange: poisonCompileCache,
		notOn: NO_CACHE,
	}),
	withData("compile cache poisoned, by a named import", "", {
		signed: {
			...CACHE_PROGRAM,
			"start.mjs": `import { enableCompileCache } from "module"; enableCompileCache(process.argv[2] + "/cache"); await import("./dep.js");`,
		},
		script: ({ app, data }) => [`${app}/start.mjs`, data],
		arrange: poisonCompileCache,
		notOn: NO_CACHE,
	}),
];
