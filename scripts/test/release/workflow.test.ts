import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { execFileSync, spawnSync } from "../../../test/outside.js";
import { temporaryDirectory } from "../../../test/temporary.js";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const folder = join(workspace, ".github/workflows");
const text = readFileSync(join(folder, "release.yml"), "utf8");
const { jobs, permissions, on } = parse(text);
const commandsOf = (job: string) => jobs[job].steps.map(({ run = "" }: { run?: string }) => run).join("\n");

it("the workflow says that it has never run, as docs/how-to/release.md does", () => {
	expect(readdirSync(folder)).toEqual(["release.yml"]);
	expect(text.split("\n")[0]).toContain("It has never run");
	expect(readFileSync(join(workspace, "docs/how-to/release.md"), "utf8")).toContain("**It has never run**");
});

it("the workflow gives the right to publish to one job, which runs after the signature, and stores no token", () => {
	expect(permissions).toEqual({ contents: "read" });
	expect(on).toEqual({ push: { tags: ["v*"] } });
	expect(jobs.publish).toMatchObject({ needs: "sign", permissions: { contents: "write", "id-token": "write" } });
	for (const job of ["build", "sign"]) expect(jobs[job].permissions).toBeUndefined();
	expect(text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
});

it("the workflow publishes what is missing, passes over the same bytes, and ends at others or without an answer", () => {
	const home = temporaryDirectory();
	const [step = ""] = jobs.publish.steps.flatMap(({ run = "" }: { run?: string }) =>
		run.includes("npm publish") ? [run] : [],
	);
	mkdirSync(join(home, "package"));
	mkdirSync(join(home, "release"));
	writeFileSync(join(home, "package/package.json"), '{"name":"@sigtool/a","version":"1.0.0"}');
	execFileSync("tar", ["-C", home, "-czf", join(home, "release/a.tgz"), "package"]);
	const digest = createHash("sha512")
		.update(readFileSync(join(home, "release/a.tgz")))
		.digest("base64");
	const publish = (view: string) => {
		const npm = `#!/bin/sh\ncase $1 in view) ${view} ;; *) echo "published $2" ;; esac\n`;
		writeFileSync(join(home, "npm"), npm, { mode: 0o755 });
		writeFileSync(join(home, "jq"), "#!/bin/sh\ncat >/dev/null\necho @sigtool/a@1.0.0\n", { mode: 0o755 });
		// GitHub runs a step in this way.
		const { status, stdout } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", step], {
			cwd: home,
			env: { ...process.env, PATH: `${home}:${process.env.PATH}` },
			encoding: "utf8",
		});
		return [status, stdout.trim()];
	};
	expect(publish("echo npm error code E404 >&2; exit 1")).toEqual([0, "published ./release/a.tgz"]);
	expect(publish(`echo sha512-${digest}`)).toEqual([0, ""]);
	expect(publish("echo sha512-other")).toEqual([1, "the registry has another @sigtool/a@1.0.0: sha512-other"]);
	expect(publish("echo npm error code ECONNREFUSED >&2; exit 1")).toEqual([1, ""]);
});

it("the workflow compares two releases, verifies before it publishes, and asks for provenance", () => {
	expect(commandsOf("build").match(/pnpm@12 release --out/g)).toHaveLength(2);
	expect(commandsOf("build")).toContain("diff -r release again");
	const publish = commandsOf("publish");
	expect(publish.indexOf("sigtool verify release")).toBeGreaterThan(-1);
	expect(publish.indexOf("sigtool verify release")).toBeLessThan(publish.indexOf("npm publish"));
	expect(publish).toMatch(/npm publish .*--provenance/);
});
