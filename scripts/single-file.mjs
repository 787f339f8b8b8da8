/**
 * Makes the single file: a Node.js program with sigtool inside, for machines that have no Node.js. The packages must have
 * been built before. Two builds of the same packages have the same bytes, whatever the folder and the time.
 *
 *     node scripts/single-file.mjs --out DIR [--arch x64|arm64]
 *
 * This needs GCC and binutils. For another processor than this machine's, it needs Debian's cross compiler, and qemu-user
 * to run the Node.js of that processor: `.ci/run` names the packages.
 */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { run } from "./native/run.mjs";
import { writeAssets } from "./single-file/assets.mjs";
import { nodeCommand, strippedNode } from "./single-file/node-program.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string" }, arch: { type: "string", default: process.arch } } });
if (values.out === undefined || !["x64", "arm64"].includes(values.arch)) {
	console.error("usage: node scripts/single-file.mjs --out DIR [--arch x64|arm64]");
	process.exit(2);
}
await makeSingleFile(resolve(values.out), values.arch);

async function makeSingleFile(out, arch) {
	if (!existsSync(join(root, "packages/cli/dist/main.cjs")))
		throw new Error("Cannot find the bundles: run `pnpm build`");
	const name = `sigtool-linux-${arch}`;
	mkdirSync(out, { recursive: true });
	const scratch = mkdtempSync(join(out, `.${name}-`));
	try {
		const { main, assets } = await writeAssets(scratch, arch);
		const configuration = {
			// These names get into the program, so they are relative.
			main: relative(scratch, main),
			executable: relative(scratch, strippedNode(arch, scratch)),
			output: name,
			disableExperimentalSEAWarning: true,
			// If the program contains a code cache, Node.js does not look for one in the directory that NODE_COMPILE_CACHE
			// names. A cache from there would be code that runs in place of the script.
			useCodeCache: true,
			// Neither NODE_OPTIONS nor OPENSSL_CONF, which can name code to load, changes what this program is.
			execArgv: ["--openssl-config=/dev/null"],
			execArgvExtension: "none",
			assets: Object.fromEntries(Object.entries(assets).map(([key, file]) => [key, relative(scratch, file)])),
		};
		writeFileSync(join(scratch, "sea.json"), JSON.stringify(configuration, null, "\t"));
		const [builder, ...args] = nodeCommand(arch);
		// The seed is for the code cache, which has hash values of strings.
		args.push("--random-seed=1", "--build-sea", "sea.json");
		const env = { PATH: process.env.PATH };
		run(builder, args, { cwd: scratch, env });
		chmodSync(join(scratch, name), 0o755);
		renameSync(join(scratch, name), join(out, name));
		console.log(join(out, name));
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
}
