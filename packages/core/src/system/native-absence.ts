/**
 * Says why this process has no prebuilt native parts, and what brings them. The evidence is what lies on the disk: parts
 * for another platform, what the package manager noted about its last run, and its lock file.
 */

import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { COMMAND, quote } from "../errors.js";
import { nearestPackage, otherVersion, packageAbove } from "./native-package.js";
import { NATIVE_TARGETS, type NativeTarget, nativeTarget } from "./native-target.js";

export interface NativeAbsence {
	/** A sentence with subject and verb, without a full stop. */
	readonly reason: string;
	/** Names what the user can do, such as "run `npm install --include=optional`". */
	readonly remedy: string;
}

/** Explains why the module at the path `from` finds no native part that it can load. */
export function nativeAbsence(from: string): NativeAbsence {
	const target = nativeTarget();
	if (target === undefined) return unsupported();
	const name = `@sigtool/native-${target}`;
	const { directory, isOfStranger } = nearestPackage(name, from) ?? {};
	if (directory === undefined) return notInstalled(target, name, from);
	if (isOfStranger === true) {
		const reason = `another user could have put ${quote(directory)} there`;
		return { reason, remedy: `install sigtool where its ${name} is beside it` };
	}
	const version = otherVersion(directory);
	if (!isInstalled(directory)) return { reason: "this checkout has no native parts yet", remedy: "run `pnpm build`" };
	const { anew } = clientOf(folderOf(from));
	if (version !== undefined)
		return { reason: `${name} is of another release of sigtool (${version})`, remedy: `run \`${anew}\`` };
	const reason = `a file of ${name} is missing or cannot be loaded here`;
	return { reason, remedy: `run \`${anew}\`, or ${COMPILE}` };
}

const COMPILE = `compile the parts with \`${COMMAND} native build\`, which needs a C compiler`;

function unsupported(): NativeAbsence {
	const { platform, arch } = process;
	const reason = `sigtool has no prebuilt native parts for ${platform} on ${arch}`;
	return { reason, remedy: platform === "win32" ? "sigtool does without them, slower" : COMPILE };
}

function isInstalled(directory: string): boolean {
	return realpathSync(directory).includes(`${sep}node_modules${sep}`);
}

function notInstalled(target: NativeTarget, name: string, from: string): NativeAbsence {
	const folder = folderOf(from);
	if (folder === undefined) {
		const reason = `no node_modules above ${quote(from)} has ${name}`;
		return { reason, remedy: "install sigtool with its optional dependencies" };
	}
	if (!isOptionalDependency(name, from)) {
		const remedy = `install its file, native/${name.slice(1).replace("/", "-")}-*.tgz, of the release that sigtool came from`;
		return { reason: `${name} is not installed`, remedy };
	}
	const { lock, leftOut, optional, install } = clientOf(folder);
	const other = NATIVE_TARGETS.find((each) => packageAbove(`@sigtool/native-${each}`, from) !== undefined);
	if (other !== undefined) {
		const reason = `node_modules was installed for ${other}, and this Node.js is for ${target}`;
		return { reason, remedy: `run \`${optional}\` here` };
	}
	if (isUnnamed(name, join(folder, lock))) {
		const reason = `${lock} does not name ${name}, as if it had been made on another platform`;
		return { reason, remedy: `remove ${lock} and node_modules, and run \`${install}\`` };
	}
	const reason = `${name} was left out when sigtool was installed, as ${leftOut} does`;
	return { reason, remedy: `run \`${optional}\`` };
}

/** Tells whether the package of the module at `from` names the other one, as a package from a registry does. */
function isOptionalDependency(name: string, from: string): boolean {
	for (let folder = dirname(from); ; folder = dirname(folder)) {
		const manifest = join(folder, "package.json");
		if (existsSync(manifest)) return readFileSync(manifest, "utf8").includes(`"${name}"`);
		if (dirname(folder) === folder) return false;
	}
}

/** Tells whether a lock file exists and names every package but this one. */
function isUnnamed(name: string, lockFile: string): boolean {
	try {
		if (statSync(lockFile).size > MAX_LOCK_BYTES) return false;
		const text = readFileSync(lockFile, "utf8");
		// The name of another target may begin with this name.
		return text.split(name).every((after, n) => n === 0 || after.startsWith("-"));
	} catch {
		return false;
	}
}

const MAX_LOCK_BYTES = 64 << 20;

/** The lock file of a client, what it leaves in node_modules, its option that leaves packages out, and its commands. */
interface Client {
	readonly name: string;
	readonly lock: string;
	readonly marks: readonly string[];
	readonly leftOut: string;
	readonly install: string;
	/** Also installs optional packages that were left out, or that are for another platform. */
	readonly optional: string;
	/** Also replaces files that are there. */
	readonly anew: string;
}

const NPM: Client = {
	name: "npm",
	lock: "package-lock.json",
	marks: [".package-lock.json"],
	leftOut: "--omit=optional",
	install: "npm install",
	optional: "npm install --include=optional",
	anew: "npm ci --include=optional",
};
const CLIENTS: readonly Client[] = [
	NPM,
	{
		name: "pnpm",
		lock: "pnpm-lock.yaml",
		marks: [".modules.yaml", ".pnpm"],
		leftOut: "--no-optional",
		install: "pnpm install",
		optional: "pnpm install",
		anew: "pnpm install --force",
	},
	{
		name: "yarn",
		lock: "yarn.lock",
		marks: [".yarn-integrity", ".yarn-state.yml"],
		leftOut: "--ignore-optional",
		install: "yarn install",
		optional: "yarn install --force",
		anew: "yarn install --force",
	},
	{
		name: "bun",
		lock: "bun.lock",
		marks: [],
		leftOut: "--omit=optional",
		install: "bun install",
		optional: "bun install --force",
		anew: "bun install --force",
	},
];

/** Returns the folder with the outermost node_modules that contains the module, or undefined if none does. */
function folderOf(from: string): string | undefined {
	const mark = `${sep}node_modules${sep}`;
	const end = from.indexOf(mark);
	return end === -1 ? undefined : from.slice(0, end) || sep;
}

/**
 * Returns the client that installed `node_modules` in the folder, by what it left there or by its lock file. Without
 * either, it is the client that runs sigtool now, as far as the environment tells.
 */
function clientOf(folder: string | undefined): Client {
	const agent = process.env.npm_config_user_agent ?? "";
	const running = CLIENTS.find(({ name }) => agent.startsWith(`${name}/`)) ?? NPM;
	if (folder === undefined) return running;
	const isThere = (...path: readonly string[]) => existsSync(join(folder, ...path));
	const client =
		CLIENTS.find(({ marks }) => marks.some((mark) => isThere("node_modules", mark))) ??
		CLIENTS.find(({ lock }) => isThere(lock)) ??
		running;
	if (client !== NPM || isThere("package.json")) return client;
	// The packages are those of a release, in the folder where `pnpm release` puts it.
	const own = `./release/native/sigtool-native-${nativeTarget() ?? "*"}-[0-9]*.tgz`;
	const everywhere = ["npm install --global --include=optional ./release/*.tgz", own].join(" ");
	return { ...NPM, install: everywhere, optional: everywhere, anew: everywhere };
}
