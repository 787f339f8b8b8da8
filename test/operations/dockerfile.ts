/**
 * Runs the steps of a Dockerfile where no container engine runs. A stage from a distribution's image is this machine's
 * files in a root of its own; a caller makes the other images. `apt-get` installs nothing here: its packages have to be
 * installed already. Layers, caches and digests of images are left out.
 */

import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DockerfileParser } from "dockerfile-ast";
import { spawnSync } from "../outside.js";
import type { OverlayRoot } from "./overlay-root.js";

export interface Build {
	/** The directory whose files COPY takes. */
	readonly context: string;
	/** Makes the root of an image. */
	readonly image: (name: string) => OverlayRoot;
	/** Files by the names of `--mount=type=secret,id=NAME`. */
	readonly secrets: Readonly<Record<string, string>>;
	readonly env: Readonly<Record<string, string>>;
}

export interface Image {
	readonly root: OverlayRoot;
	readonly user: string | undefined;
	readonly entrypoint: readonly string[];
	/** Removes the roots of all stages. */
	remove(): void;
}

/** @throws Error if a step fails, or is one that this file does not know */
export function buildImage(text: string, build: Build): Image {
	const made: OverlayRoot[] = [];
	const remove = () => {
		for (const root of made) root.remove();
	};
	try {
		return { ...runSteps(text, build, made), remove };
	} catch (error) {
		remove();
		throw error;
	}
}

/** Adds each root to `made`. */
function runSteps(text: string, build: Build, made: OverlayRoot[]): Omit<Image, "remove"> {
	const stages = new Map<string, OverlayRoot>();
	const keep = (root: OverlayRoot): OverlayRoot => {
		made.push(root);
		return root;
	};
	const stageOf = (name: string): OverlayRoot => {
		const root = stages.get(name) ?? keep(build.image(name));
		stages.set(name, root);
		return root;
	};
	const lines = text.split("\n");
	let root: OverlayRoot | undefined;
	let user: string | undefined;
	let entrypoint: readonly string[] = [];
	for (const instruction of DockerfileParser.parse(text).getInstructions()) {
		const { start, end } = instruction.getRange();
		// The parser leaves flags out of the arguments.
		const content = lines
			.slice(start.line, end.line + 1)
			.join(" ")
			.replace(/^\w+\s+/, "");
		const words = content.split(/\s+/);
		const first = words.findIndex((word) => !word.startsWith("--"));
		const [flags, operands] = [words.slice(0, first), words.slice(first)];
		const keyword = instruction.getKeyword();
		if (keyword === "FROM") {
			const [name = "", , stage] = operands;
			root = keep(stageOf(name).copy());
			if (stage !== undefined) stages.set(stage, root);
			user = undefined;
		} else if (root === undefined) throw new Error(`${keyword} stands before FROM`);
		else if (keyword === "RUN") runStep(root, operandsOf(content), flags, build);
		else if (keyword === "COPY") copy(root, flags, operands, stageOf, build);
		else if (keyword === "USER") user = operands[0];
		else if (keyword === "ENTRYPOINT") entrypoint = JSON.parse(content);
		else throw new Error(`The test of Dockerfiles does not know ${keyword}`);
	}
	if (root === undefined) throw new Error("The Dockerfile has no stage");
	return { root, user, entrypoint };
}

function operandsOf(content: string): string {
	return content.replace(/^(--\S+\s+)*/, "");
}

function runStep(root: OverlayRoot, command: string, flags: readonly string[], { secrets, env }: Build): void {
	if (command.includes("apt-get install")) {
		haveInstalled(command);
		return;
	}
	const before = flags.map((flag) => {
		const [, id = ""] = /^--mount=type=secret,id=(\w+)$/.exec(flag) ?? [];
		if (!(id in secrets)) throw new Error(`The test of Dockerfiles does not know ${flag}`);
		return `mkdir -p $root/run/secrets && cp ${secrets[id]} $root/run/secrets/${id}`;
	});
	const { status, stdout, stderr } = root.run(["sh", "-c", command], { env, before: before.join("\n") });
	if (status !== 0) throw new Error(`RUN ${command} ends with ${status}: ${stdout}${stderr}`);
}

function haveInstalled(command: string): void {
	const [, list = ""] = /apt-get install (.*)$/.exec(command) ?? [];
	const packages = list.split(/\s+/).filter((word) => !word.startsWith("-"));
	const { stdout } = spawnSync("dpkg-query", ["-s", ...packages], { encoding: "utf8" });
	const installed = stdout.split("\n").filter((line) => line === "Status: install ok installed");
	if (packages.length === 0 || installed.length !== packages.length)
		throw new Error(`Not all are installed: ${packages}`);
}

function copy(
	root: OverlayRoot,
	flags: readonly string[],
	operands: readonly string[],
	stageOf: (from: string) => OverlayRoot,
	{ context }: Build,
): void {
	const flag = (name: string) => flags.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3);
	const from = flag("from");
	const stage = from === undefined ? undefined : stageOf(from);
	const sources = operands
		.slice(0, -1)
		.map((source) => (stage === undefined ? join(context, source) : stage.at(source)));
	const given = operands.at(-1) ?? "";
	const target = root.at(given);
	for (const source of sources) {
		if (!existsSync(source)) throw new Error(`COPY finds no ${source}`);
		const isDirectory = statSync(source).isDirectory();
		const to = isDirectory || (!given.endsWith("/") && sources.length === 1) ? target : join(target, basename(source));
		mkdirSync(isDirectory ? to : join(to, ".."), { recursive: true, mode: 0o755 });
		if (isDirectory)
			for (const name of readdirSync(source))
				cpSync(join(source, name), join(to, name), { recursive: true, verbatimSymlinks: true });
		else cpSync(source, to);
		const owner = flag("chown");
		if (owner !== undefined) spawnSync("chown", ["-R", owner, to]);
	}
}
