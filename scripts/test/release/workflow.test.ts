import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parse } from "yaml";

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

it("the workflow compares two releases, verifies before it publishes, and asks for provenance", () => {
	expect(commandsOf("build").match(/pnpm@12 release --out/g)).toHaveLength(2);
	expect(commandsOf("build")).toContain("diff -r release again");
	const publish = commandsOf("publish");
	expect(publish.indexOf("sigtool verify release")).toBeGreaterThan(-1);
	expect(publish.indexOf("sigtool verify release")).toBeLessThan(publish.indexOf("npm publish"));
	expect(publish).toMatch(/npm publish .*--provenance/);
});
