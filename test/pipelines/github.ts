/**
 * Runs the shell steps of a job of GitHub Actions, those of composite actions among them, as a runner does. It knows
 * what the examples use, and refuses the rest.
 *
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
 * https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax
 */

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { parse } from "yaml";
import { type Machine, run } from "./site.js";

interface Step {
	readonly id?: string;
	readonly run?: string;
	readonly shell?: string;
	readonly uses?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly with?: Readonly<Record<string, string>>;
}

export interface JobOptions {
	readonly machine: Machine;
	/** The checkout, in which all steps run. */
	readonly workspace: string;
	readonly secrets: Readonly<Record<string, string>>;
	/** The paths that an earlier job uploaded, by the names of their artifacts. */
	readonly artifacts?: Readonly<Record<string, string>>;
}

export interface JobOutcome {
	readonly status: number | null;
	readonly log: string;
	readonly summary: string;
	/** The paths that the job uploads, by the names of their artifacts. */
	readonly artifacts: Readonly<Record<string, string>>;
}

/** Runs the job of a workflow until a step fails. @throws Error for what this file does not know */
export async function runJob(workflow: string, job: string, options: JobOptions): Promise<JobOutcome> {
	const document = parse(workflow);
	const { steps, env } = document.jobs[job];
	const runner = new Runner(options, { ...document.env, ...env });
	const status = await runner.runSteps(steps, { secrets: options.secrets });
	return { status, log: runner.log, summary: read(runner.file("summary")), artifacts: runner.artifacts };
}

type Context = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

class Runner {
	log = "";
	readonly artifacts: Record<string, string> = {};
	readonly #options: JobOptions;
	readonly #temp: string;
	#env: NodeJS.ProcessEnv;
	#path: string[] = [];
	#scripts = 0;

	constructor(options: JobOptions, env: NodeJS.ProcessEnv) {
		this.#options = options;
		this.#temp = join(options.machine.home, "runner-temp");
		mkdirSync(this.#temp, { recursive: true });
		this.#env = env;
	}

	file(name: string): string {
		return join(this.#options.machine.home, `runner-${name}`);
	}

	/** Returns the exit status of the first step that fails, or 0. `actionPath` is the folder of a composite action. */
	async runSteps(steps: readonly Step[], given: Context, actionPath?: string): Promise<number | null> {
		const outputs: Record<string, { outputs: Record<string, string> }> = {};
		const context: Context = { ...given, steps: outputs };
		for (const step of steps) {
			const status =
				step.uses === undefined
					? await this.#runScript(step, context, actionPath, outputs)
					: await this.#runAction(step, context);
			if (status !== 0) return status;
		}
		return 0;
	}

	async #runScript(
		step: Step,
		context: Context,
		actionPath: string | undefined,
		outputs: Record<string, { outputs: Record<string, string> }>,
	): Promise<number | null> {
		if (step.run === undefined) throw new Error("A step has neither run nor uses");
		if (actionPath !== undefined && step.shell === undefined) throw new Error("A composite action names no shell");
		const script = join(this.#temp, `step-${this.#scripts++}.sh`);
		writeFileSync(script, evaluated(step.run, context));
		for (const name of ["output", "env", "path"]) writeFileSync(this.file(name), "");
		const args = step.shell === "bash" ? ["--noprofile", "--norc", "-eo", "pipefail", script] : ["-e", script];
		const { machine, workspace } = this.#options;
		const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, evaluated(value, context)]);
		const env = {
			...machine.env,
			...this.#env,
			PATH: [...this.#path, machine.env.PATH].join(delimiter),
			GITHUB_ACTIONS: "true",
			GITHUB_WORKSPACE: workspace,
			GITHUB_OUTPUT: this.file("output"),
			GITHUB_ENV: this.file("env"),
			GITHUB_PATH: this.file("path"),
			GITHUB_STEP_SUMMARY: this.file("summary"),
			RUNNER_TEMP: this.#temp,
			RUNNER_OS: "Linux",
			...(actionPath !== undefined && { GITHUB_ACTION_PATH: actionPath }),
			...Object.fromEntries(own),
		};
		const { status, log } = await run("bash", args, { cwd: workspace, env });
		this.log += log;
		this.#path.unshift(...read(this.file("path")).split("\n").filter(Boolean));
		this.#env = { ...this.#env, ...pairs(read(this.file("env"))) };
		if (step.id !== undefined) outputs[step.id] = { outputs: pairs(read(this.file("output"))) };
		return status;
	}

	async #runAction({ uses = "", with: given = {} }: Step, context: Context): Promise<number | null> {
		const { workspace } = this.#options;
		// The workspace is a checkout already.
		if (/^actions\/checkout@v\d+$/.test(uses)) return 0;
		if (/^actions\/upload-artifact@v\d+$/.test(uses)) {
			const { name = "", path = "" } = given;
			if (!existsSync(join(workspace, path))) return 1;
			this.artifacts[name] = join(workspace, path);
			return 0;
		}
		if (/^actions\/download-artifact@v\d+$/.test(uses)) {
			const from = this.#options.artifacts?.[given.name ?? ""];
			if (from === undefined) return 1;
			cpSync(from, join(workspace, basename(from)));
			return 0;
		}
		if (!uses.startsWith("./")) throw new Error(`The test of workflows does not know ${uses}`);
		const folder = join(workspace, uses);
		const { inputs, runs } = parse(readFileSync(join(folder, "action.yml"), "utf8"));
		if (runs.using !== "composite") throw new Error(`${uses} is no composite action`);
		const unknown = Object.keys(given).filter((name) => !(name in inputs));
		if (unknown.length > 0) throw new Error(`${uses} has no input ${unknown}`);
		const values = Object.keys(inputs).map((name) => [
			name,
			evaluated(String(given[name] ?? inputs[name].default ?? ""), context),
		]);
		// An action sees its inputs, and neither the secrets nor the steps of its caller.
		return this.runSteps(runs.steps, { inputs: Object.fromEntries(values) }, folder);
	}
}

/** Puts values in the place of `${{ context.name }}`. An output that no step has written is empty. */
function evaluated(text: string, context: Context): string {
	return text.replace(/\$\{\{ *([\w.-]+) *\}\}/g, (expression, path: string) => {
		const [first = "", ...names] = path.split(".");
		if (!(first in context)) throw new Error(`The test of workflows does not know ${expression}`);
		let value: unknown = context[first];
		for (const name of names) value = (value as Record<string, unknown> | undefined)?.[name];
		return value === undefined ? "" : String(value);
	});
}

function pairs(text: string): Record<string, string> {
	return Object.fromEntries(
		text
			.split("\n")
			.filter(Boolean)
			.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
	);
}

function read(file: string): string {
	return existsSync(file) ? readFileSync(file, "utf8") : "";
}
