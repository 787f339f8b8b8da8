/**
 * Announces the programs that upgrades will put in the place of node and python, by their SHA-256. A launcher accepts
 * them as well, so that a service starts again after the upgrade.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { aboutSpython } from "../python/spython.js";
import { type LauncherConf, pin } from "./launcher-conf.js";
import { majorOf } from "./launcher-place.js";

export type Announced = Pick<LauncherConf, "nodeNext" | "pythonNext">;

/** The programs that are launched. */
interface Launched {
	readonly node: string | undefined;
	readonly spython: string | undefined;
}

/** The values of the options: each is the SHA-256 of a program, or the path of one. */
interface Announcements {
	readonly nodeNext?: readonly string[];
	readonly pythonNext?: readonly string[];
}

/**
 * Returns the digests of the announced programs. A program that is given by its path must be of the release for which
 * the launcher has flags, or the spython was built. A program that is given by its digest cannot be asked: the hook and
 * the spython refuse another release when they start.
 * @throws ERR_USAGE, ERR_LAUNCHER, ERR_IO
 */
export function announcedOf({ node, spython }: Launched, { nodeNext = [], pythonNext = [] }: Announcements): Announced {
	if (node === undefined && nodeNext.length > 0) throw withoutProgram("--node-next", "--node");
	if (spython === undefined && pythonNext.length > 0) throw withoutProgram("--python-next", "--python");
	return {
		nodeNext: digestsOf(nodeNext, "--node-next", (program) => {
			const [now, next] = [majorOf(node ?? ""), majorOf(program)];
			if (now !== next) throw otherRelease(program, `Node.js ${next}`, `Node.js ${now}`);
		}),
		pythonNext: digestsOf(pythonNext, "--python-next", (program) => {
			const now = /^\d+\.\d+/.exec(aboutSpython(spython ?? "").python)?.[0];
			const next = pythonReleaseOf(program);
			if (now !== next) throw otherRelease(program, `Python ${next}`, `Python ${now}`);
		}),
	};
}

const MAX_ANNOUNCED = 8;

function digestsOf(values: readonly string[], option: string, judge: (program: string) => void): string[] {
	const digests = values.map((value) => {
		if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
		if (!existsSync(value)) {
			const message = `Cannot announce ${quote(value)}: it is neither a file nor a SHA-256 in 64 hexadecimal digits`;
			throw new SigtoolError("ERR_USAGE", message);
		}
		judge(value);
		return pin(value).sha256;
	});
	const different = [...new Set(digests)];
	if (different.length > MAX_ANNOUNCED)
		throw new SigtoolError("ERR_USAGE", `Give ${option} at most ${MAX_ANNOUNCED} times`);
	return different;
}

/** @throws ERR_LAUNCHER if the program is no CPython */
function pythonReleaseOf(program: string): string {
	const { stdout } = spawnSync(program, ["-I", "--version"], { encoding: "utf8", env: {}, timeout: 10_000 });
	const [, release] = /^Python (\d+\.\d+)\./.exec(stdout ?? "") ?? [];
	if (release !== undefined) return release;
	throw new SigtoolError("ERR_LAUNCHER", `Cannot announce ${quote(program)}: it is no CPython`, { path: program });
}

function otherRelease(program: string, next: string, now: string): SigtoolError {
	const message = `Cannot announce ${quote(program)}: it is ${next}, and what is installed here is for ${now}; install again when the upgrade is done`;
	return new SigtoolError("ERR_LAUNCHER", message, { path: program });
}

function withoutProgram(option: string, needed: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", `Use ${option} with ${needed}`);
}
