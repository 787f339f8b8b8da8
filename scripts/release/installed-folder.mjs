import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** Finds an installed package as Node.js does: in the nearest node_modules above `from`. */
export function installedFolder(name, from) {
	for (let folder = realpathSync(from); ; folder = dirname(folder)) {
		const found = join(folder, "node_modules", name);
		if (existsSync(found)) return realpathSync(found);
		if (folder === dirname(folder)) throw new Error(`Cannot find ${name} from ${from}: run pnpm install`);
	}
}
