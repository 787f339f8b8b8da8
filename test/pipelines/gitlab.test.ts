import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeSelfSigned, runner } from "../../packages/cli/test/support.js";
import { execFileSync } from "../outside.js";
import { type PipelineOptions, runPipeline } from "./gitlab.js";
import { makeMachine, makeProject, ROOT, serveProgram, sha256, snippets, writeProgram } from "./site.js";

const [pipeline = ""] = snippets("GitLab", "yaml");

/** Makes a project with the page's pipeline and its template, and a server with the program. */
async function prepare() {
	const machine = makeMachine({ installed: false });
	const project = makeProject(machine);
	mkdirSync(join(project.folder, "ci"));
	cpSync(join(ROOT, "examples/pipelines/gitlab.yml"), join(project.folder, "ci/sigtool.yml"));
	writeFileSync(join(project.folder, ".gitlab-ci.yml"), pipeline);
	const program = join(machine.home, "sigtool-linux-x64");
	writeProgram(program);
	await serveProgram(machine, program);
	// The image of a job is this machine, which installs nothing but has to have what the job asks for.
	writeFileSync(
		join(machine.home, "programs/apt-get"),
		'#!/bin/sh\n[ "$1" != install ] || { shift; for each; do case $each in -*) ;; *) dpkg-query -s "$each" >/dev/null || exit 1 ;; esac; done; }\n',
		{ mode: 0o755 },
	);
	const variables = {
		SIGNING_KEY: project.key.keyFile,
		SIGTOOL_URL: "https://downloads.example/sigtool-linux-x64",
		SIGTOOL_SHA256: sha256(program),
	};
	const options: PipelineOptions = { machine, repository: project.folder, variables };
	return { machine, program, options };
}

it("the pipeline of the page builds, signs, and verifies in a checkout of its own", async () => {
	const { options } = await prepare();
	const { build, sign, verify } = await runPipeline(options);
	expect([build?.status, sign?.status, verify?.status]).toEqual([0, 0, 0]);
	expect(sign?.log).toContain("signed dist/dist.cat");
	expect(verify?.junit).toMatch(/<testsuites[\s\S]*failures="0"/);
});

it("a file that changed after the signature fails the job, as a failed test of the report and in the log", async () => {
	const { options } = await prepare();
	const before = (job: string, checkout: string) => {
		if (job !== "verify") return;
		execFileSync("sh", ["-ec", "tar -xf signed.tar && echo evil >>dist/main.js && tar -cf signed.tar dist"], {
			cwd: checkout,
		});
	};
	const { verify } = await runPipeline({ ...options, before });
	expect(verify?.status).toBe(1);
	expect(verify?.junit).toMatch(/<failure[^>]*ERR_FILE_MODIFIED/);
	expect(verify?.log).toContain("ERR_FILE_MODIFIED");
});

it.each([
	["beside the files", "tar -cf signed.tar dist release.crt"],
	[
		"through a link among them",
		"mv dist real && ln -s . dist && tar -cf signed.tar --transform s,^release,dist/release, --transform 's,^real/,dist/,' dist release.crt real/main.js real/dist.cat",
	],
])("an archive cannot bring the certificate by which it is verified, %s", async (_, pack) => {
	const { machine, options } = await prepare();
	const mallory = makeSelfSigned(join(machine.home, "mallory"));
	const certificate = join(options.repository, "release.crt");
	const before = (job: string, checkout: string) => {
		if (job !== "verify") return;
		const sh = (script: string, file: string) => execFileSync("sh", ["-ec", script, file], { cwd: checkout });
		sh('tar -xf signed.tar; echo evil >>dist/main.js; rm dist/dist.cat; cp "$0" release.crt', mallory.certFile);
		const key = ["--key", mallory.keyFile, "--cert", mallory.certFile];
		expect(runner(machine.home)(["sign", "dist", "--product", "app", ...key], { cwd: checkout }).status).toBe(0);
		sh(`${pack}; rm -rf real dist; cp "$0" release.crt`, certificate);
	};
	const { verify } = await runPipeline({ ...options, before });
	expect(verify?.status).not.toBe(0);
	expect(verify?.log).toMatch(/ERR_UNTRUSTED_SIGNER|ERR_CATALOG_NOT_FOUND/);
});

it("without the key, or with another program, the job fails before anything is signed", async () => {
	const { machine, options, program } = await prepare();
	const { SIGNING_KEY: _, ...variables } = options.variables;
	const { sign } = await runPipeline({ ...options, variables });
	expect(sign?.status).toBe(2);
	expect(readdirSync(machine.home)).not.toContain("config");
	writeFileSync(program, '#!/bin/sh\n: >"$HOME/ran"\n');
	const { sign: second } = await runPipeline(options);
	expect([second?.status, second?.log]).toEqual([1, expect.stringContaining("sigtool-linux-x64: FAILED")]);
	expect(readdirSync(machine.home)).not.toContain("ran");
});
