/**
 * Tells which suites of test-projects.mjs are due: those that depend on a file which changed since the commit for which
 * `.ci/recorded.json` says that they passed, and all for which that cannot be told. The command `node due-suites.mjs
 * NAME…` records that suites passed at the current commit. A person commits the file.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const RECORD = ".ci/recorded.json";
const workspace = fileURLToPath(new URL("..", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) record(process.argv.slice(2));

/**
 * @param {string} checkout
 * @param {Readonly<Record<string, { files: readonly string[], paths: readonly string[] }>>} suites
 * @returns {{ name: string, reason: string }[]}
 */
export function dueSuites(checkout, suites) {
	const recorded = readRecord(checkout);
	return Object.entries(suites).flatMap(([name, { files, paths }]) => {
		const reason = reasonFor(checkout, recorded[name], [...files, ...paths]);
		return reason === undefined ? [] : [{ name, reason }];
	});
}

/** Returns why a suite is due, or undefined if it is not. */
function reasonFor(checkout, commit, paths) {
	if (commit === undefined) return "no run is recorded";
	if (!/^[0-9a-f]{40}$/.test(commit)) return `${RECORD} names no commit`;
	const isEarlier = spawnSync("git", ["merge-base", "--is-ancestor", commit, "HEAD"], { cwd: checkout });
	if (isEarlier.status !== 0) return `${commit.slice(0, 8)}, for which a run is recorded, is not in this history`;
	const git = (...args) => execFileSync("git", args, { cwd: checkout, encoding: "utf8" }).split("\n").filter(Boolean);
	const patterns = paths.map((path) => `:(glob)${path}`).concat(paths.map((path) => `:(glob)${path}/**`));
	const changed = [
		...git("diff", "--name-only", commit, "--", ...patterns),
		...git("ls-files", "--others", "--exclude-standard", "--", ...patterns),
	];
	if (changed.length === 0) return undefined;
	return `${changed[0]}${changed.length > 1 ? ` and ${changed.length - 1} more` : ""} changed since ${commit.slice(0, 8)}`;
}

/** @returns {Readonly<Record<string, string>>} the commits, by suite; no suites if there is no such file, or no JSON in it */
function readRecord(checkout) {
	try {
		return JSON.parse(readFileSync(join(checkout, RECORD), "utf8"));
	} catch {
		return {};
	}
}

function record(names) {
	if (execFileSync("git", ["status", "--porcelain"], { cwd: workspace, encoding: "utf8" }) !== "") {
		console.log(`${RECORD} stays as it is: this checkout has changes that nobody committed`);
		return;
	}
	const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: workspace, encoding: "utf8" }).trim();
	const recorded = { ...readRecord(workspace), ...Object.fromEntries(names.map((name) => [name, commit])) };
	writeFileSync(join(workspace, RECORD), `${JSON.stringify(recorded, undefined, "\t")}\n`);
	console.log(`${RECORD} says now that ${names.join(", ")} passed at ${commit.slice(0, 8)}: commit it`);
}
