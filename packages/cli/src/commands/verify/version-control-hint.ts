import { type Finding, VERSION_CONTROL } from "@sigtool/core";
import { quote } from "@sigtool/core/errors";

/**
 * Returns a hint if version control folders were added after signing. `sign` records only rules for folders that it
 * found, so that nobody can add files later under a name that nobody needed.
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
