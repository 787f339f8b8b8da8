/** Refuses to sign a file set that has entries which cannot be signed. The error lists all of these entries. */

import { quote, SigtoolError } from "../errors.js";

/**
 * Throws a single problem unchanged. Several problems become one error that has all of them in `problems`. It has the
 * code of the first problem that is about the tree and not about the system.
 */
export function refuseProblems(path: string, problems: readonly SigtoolError[]): void {
	if (problems.length === 0) return;
	const named = problems.map(withWayOut);
	const [first] = named;
	if (named.length === 1) throw first;
	const { code } = named.find(({ exitStatus }) => exitStatus === 1) ?? first;
	const message = `Cannot sign ${quote(path)}: ${named.length} entries cannot be signed`;
	throw new SigtoolError(code, message, { path, problems: named });
}

function withWayOut(problem: SigtoolError): SigtoolError {
	const { code, message, path, cause } = problem;
	if (code !== "ERR_FILE_TYPE") return problem;
	return new SigtoolError(code, `${message}; --exclude leaves it out`, { path, cause });
}
