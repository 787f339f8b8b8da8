/**
 * Runs the scripts of jobs of GitLab CI as a runner with bash does: each job in a checkout of its own, with the artifacts
 * of the stages before. It knows what the examples use, and refuses the rest.
 *
 * https://docs.gitlab.com/ci/yaml/
 */

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Machine, type Outcome, run } from "./site.js";

interface Job {
	readonly stage: string;
	readonly extends?: string;
	readonly image?: string;
	readonly before_script?: readonly string[];
	readonly script?: readonly string[];
	readonly rules?: readonly unknown[];
	readonly artifacts?: {
		readonly paths?: readonly string[];
		readonly when?: string;
		readonly reports?: { readonly junit?: string };
	};
}

export interface PipelineOptions {
	readonly machine: Machine;
	/** The repository, with .gitlab-ci.yml and what that includes. */
	readonly repository: string;
	/** The variables of the project's settings. One of the type File is the path of its file. */
	readonly variables: Readonly<Record<string, string>>;
	/** Changes the checkout of a job before its scripts run. */
	readonly before?: (job: string, checkout: string) => void;
}

export interface JobResult extends Outcome {
	/** The report of the job in JUnit's format. */
	readonly junit: string | undefined;
}

const JOB_MEMBERS = ["stage", "extends", "image", "before_script", "script", "rules", "artifacts"];

/** Runs the jobs stage by stage until one fails. Returns the result of each job by its name. */
export async function runPipeline(options: PipelineOptions): Promise<Record<string, JobResult>> {
	const { stages, variables, jobs } = readPipeline(options.repository);
	const results: Record<string, JobResult> = {};
	const artifacts = join(options.machine.home, "artifacts");
	mkdirSync(artifacts, { recursive: true });
	for (const stage of stages) {
		for (const [name, job] of jobs.filter(([, each]) => each.stage === stage)) {
			results[name] = await runJob(name, job, variables, artifacts, options);
			if (results[name].status !== 0) return results;
		}
	}
	return results;
}

async function runJob(
	name: string,
	job: Job,
	variables: Readonly<Record<string, string>>,
	artifacts: string,
	{ machine, repository, variables: settings, before }: PipelineOptions,
): Promise<JobResult> {
	const checkout = join(machine.home, "builds", name);
	cpSync(repository, checkout, { recursive: true });
	cpSync(artifacts, checkout, { recursive: true });
	before?.(name, checkout);
	const script = join(machine.home, `${name}.sh`);
	const lines = [...(job.before_script ?? []), ...(job.script ?? [])];
	writeFileSync(script, `set -eo pipefail\n${lines.join("\n")}\n`);
	const env = {
		...machine.env,
		...variables,
		...settings,
		CI_PROJECT_DIR: checkout,
		CI_COMMIT_TAG: "v1",
		GITLAB_CI: "true",
	};
	const outcome = await run("bash", [script], { cwd: checkout, env });
	const { paths = [], when = "on_success", reports } = job.artifacts ?? {};
	if (outcome.status === 0 || when === "always")
		for (const path of paths) cpSync(join(checkout, path), join(artifacts, path), { recursive: true });
	const junit = join(checkout, reports?.junit ?? "");
	return { ...outcome, junit: reports?.junit && existsSync(junit) ? readFileSync(junit, "utf8") : undefined };
}

function readPipeline(repository: string) {
	const read = (path: string) => parse(readFileSync(join(repository, path), "utf8"));
	const { include = [], ...own } = read(".gitlab-ci.yml");
	const included = include.map(({ local }: { local: string }) => read(local));
	const all = Object.assign({}, ...included, own);
	const variables = Object.assign({}, ...[...included, own].map((each) => each.variables));
	const { stages, variables: _, ...named } = all;
	const resolved = (name: string): Job => {
		const { extends: base, ...job } = named[name];
		for (const member of Object.keys(job))
			if (!JOB_MEMBERS.includes(member)) throw new Error(`The test of pipelines does not know ${member}`);
		return base === undefined ? job : { ...resolved(base), ...job };
	};
	const jobs = Object.keys(named)
		.filter((name) => !name.startsWith("."))
		.map((name): [string, Job] => [name, resolved(name)]);
	return { stages: stages as string[], variables, jobs };
}
