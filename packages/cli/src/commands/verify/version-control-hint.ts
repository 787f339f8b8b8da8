import type { Finding } from "@sigtool/core";
import { VERSION_CONTROL } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";

/**
 * Returns a hint if directories of version control (such as `.git`) were added after signing. `sign` records ignore
 * rules only for those of these directories that exist. A rule for a missing one would let an attacker add files under
 * its name.
 */
export function versionControlHints(findings: readonly Finding[]): string[] {
	const found = new Set<string>();
	for (const { code, path } of findings) {
		if (code !== "ERR_FILE_ADDED") continue;
		const name = VERSION_CONTROL.find((folder) => `/${path}/`.includes(`/${folder}/`));
		if (name !== undefined) found.add(name);
	}
	if (found.size === 0) return [];
	const names = [...found].map(quote).join(" and ");
	const [was, rule] = found.size === 1 ? ["was", "a rule for it"] : ["were", "rules for them"];
	return [`${names} ${was} not there when the tree was signed; sign it again, which records ${rule}`];
}
