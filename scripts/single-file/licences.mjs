/** Puts together the licences of everything inside of the single file. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeForArch } from "./node-program.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `inputs` are the bundled files of packages. Each package must carry a licence. */
export function licenceTexts(arch, inputs) {
	const own = `sigtool\n\n${text(join(root, "LICENSE"))}`;
	const bundled = ["cli", "verifier"].map((name) =>
		text(join(root, "packages", name, "dist/third-party-licences.txt")),
	);
	const folders = new Set(inputs.flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []));
	const packages = [...folders].map((folder) => {
		const { name, version } = JSON.parse(text(join(folder, "package.json")));
		const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
		if (licence === undefined) throw new Error(`Cannot bundle ${name}: it carries no licence text`);
		return `${name} ${version}\n\n${text(join(folder, licence))}`;
	});
	const node = `Node.js and what is inside of it\n\n${text(nodeForArch(arch).licence)}`;
	return [own, ...bundled, ...packages.sort(), node].filter((each) => each !== "").join("\n\n");
}

function text(file) {
	return readFileSync(file, "utf8");
}
