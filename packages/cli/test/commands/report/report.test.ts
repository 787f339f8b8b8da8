import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VERDICTS } from "../../../../verifier/dist/audit/verdicts.js";
import { VERDICTS as PAGE_VERDICTS } from "../../../dist/page/data.js";
import { makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";
import { eventLine, HOSTILE_NAMES, hostilePage, IMAGE } from "./hostile-report.js";

function signedTree() {
	const directory = temporaryDirectory();
	const sigtool = runner(directory);
	const at = (name: string) => join(directory, name);
	makeTree(at("lib"), { "a.js": "a\n", "deep/b.js": "b\n", "empty.js": "", "deep/link": { link: "b.js" } });
	expect(sigtool(["sign", at("lib")]).status).toBe(0);
	const report = (...args: string[]) => sigtool(["report", ...args, "-o", at("report.html"), "--json"]);
	const page = () => readFileSync(at("report.html"), "utf8");
	return { at, sigtool, report, page };
}

/** Returns the data of a block. */
function dataOf(page: string, id: string) {
	const [, json] = new RegExp(`<script type="application/json" id="${id}">(.*?)</script>`).exec(page) ?? [];
	return JSON.parse(json ?? "null");
}

describe("sigtool report of a catalog", () => {
	it.each(["lib", "lib/lib.cat"])("says of %s that every file is as signed, and ends with 0", (operand) => {
		const { at, report, page } = signedTree();
		const { status, json } = report(at(operand));
		expect(status).toBe(0);
		expect(json().subjects).toMatchObject([{ kind: "catalog", verdict: "trusted", files: 4, states: { trusted: 4 } }]);
		expect(page()).toContain("Every file is as signed");
		expect(page()).toContain("A development identity signed this. Other machines do not trust it.");
	});

	it("tells what changed, and ends as verify does", () => {
		const { at, sigtool, report, page } = signedTree();
		writeFileSync(at("lib/a.js"), "changed\n");
		writeFileSync(at("lib/new.js"), "new\n");
		const { status, json } = report(at("lib"));
		expect(status).toBe(1);
		expect(status).toBe(sigtool(["verify", at("lib")]).status);
		expect(json().subjects[0].states).toMatchObject({ changed: 1, added: 1, trusted: 3, missing: 0 });
		expect(page()).toContain("2 of 5 files are not as signed");
		const { names, states, sizes, findings } = dataOf(page(), "s0-files");
		const row = names.indexOf("a.js");
		expect(states[row]).toBe("m");
		expect(sizes[row]).toBe(8);
		expect(findings[row]).toMatchObject([
			{ code: "ERR_FILE_MODIFIED", expected: expect.stringMatching(/^[0-9a-f]{64}$/) },
		]);
	});

	it.each(["lib", "lib/lib.cat"])(
		"shows %s, whose signer is not trusted, as a claim, with each file not compared",
		(operand) => {
			const { at, sigtool, report, page } = signedTree();
			const { certFile, keyFile } = makeAuthority(at("ca"), "P-256");
			expect(sigtool(["sign", at("lib"), "--key", keyFile, "--cert", certFile, "--force"]).status).toBe(0);
			const { status, json } = report(at(operand));
			expect(status).toBe(1);
			expect(json().subjects[0]).toMatchObject({ verdict: "failed", problem: { code: "ERR_UNTRUSTED_SIGNER" } });
			expect(json().subjects[0].states).toMatchObject({ unchecked: 4, trusted: 0 });
			expect(page()).toContain("Not verified. This is what the signature claims.");
		},
	);

	it("shows the chain up to the authority that is trusted", () => {
		const { at, sigtool, report, page } = signedTree();
		const { caFile, certFile, keyFile } = makeAuthority(at("ca"), "P-256");
		expect(sigtool(["sign", at("lib"), "--key", keyFile, "--cert", certFile, "--force"]).status).toBe(0);
		expect(report(at("lib"), "--trust", caFile).status).toBe(0);
		expect(page()).toMatch(/Authority<\/p><p class="subject">CN=Test Root.*Signer<\/p><p class="subject">/s);
		expect(page()).toContain("The signature has no timestamp, so it fails when the signer&#39;s certificate ends.");
	});

	it("compares nothing if no signed file lies beside the catalog, and warns, unless --root names the tree", () => {
		const { at, report, page } = signedTree();
		mkdirSync(at("away"));
		copyFileSync(at("lib/lib.cat"), at("away/lib.cat"));
		const alone = report(at("away/lib.cat"));
		expect(alone.status).toBe(0);
		expect(alone.json()).toMatchObject({ subjects: [{ verdict: "signed", states: { unchecked: 4 } }] });
		expect(alone.json().warnings).toEqual([expect.stringContaining("name the tree with --root")]);
		expect(page()).toContain("The signature is good, and no file was compared");
		expect(report(at("away/lib.cat"), "--root", at("away")).json().subjects[0].states).toMatchObject({ missing: 4 });
		expect(report(at("away/lib.cat"), "--root", at("lib")).json().subjects[0].states).toMatchObject({ trusted: 4 });
		expect(report(at("lib/lib.cat"), "--signature-only").json().subjects[0].verdict).toBe("signed");
	});

	it("writes the same page again for the same moment", () => {
		const { at, sigtool, page } = signedTree();
		const moment = new Date().toISOString();
		const write = () => {
			const args = ["report", at("lib"), "-o", at("report.html"), "--at", moment, "--title", "Release 7 <b>"];
			expect(sigtool(args, { env: { SOURCE_DATE_EPOCH: "1790000000" } }).status).toBe(0);
			return page();
		};
		expect(write()).toBe(write());
		expect(page()).toContain("<h1>Release 7 &#60;b&#62;</h1>");
	});
});

describe("sigtool report of an index", () => {
	it("shows products, policy and end, and ends with 1 if the signer is not trusted", () => {
		const { at, sigtool, report, page } = signedTree();
		const compiled = sigtool(["compile", at("lib"), "-o", at("lib.sigx"), "--allow-development"]);
		expect(compiled.status).toBe(0);
		const { status, json } = report(at("lib.sigx"));
		expect(status).toBe(0);
		expect(json().subjects).toMatchObject([{ kind: "index", verdict: "signed", entries: 4, products: ["lib"] }]);
		expect(page()).toContain("never by itself");
		expect(page()).toContain("<code>runtime.children</code>");
		expect(dataOf(page(), "s0-files").states).toBe("uuuu");
		expect(report(at("lib.sigx"), "--no-development").status).not.toBe(0);
		expect(report(at("lib.sigx"), "--product", "other").json().subjects[0].problem.code).toBe("ERR_PRODUCT_MISMATCH");
	});
});

describe("sigtool report of events", () => {
	const write = (lines: string) => {
		const { at, report, page } = signedTree();
		writeFileSync(at("audit.jsonl"), lines);
		return { result: report(at("audit.jsonl")), page: page() };
	};

	it("puts refusals first, names the rule of each, and counts lines that are no events", () => {
		const { result, page } = write(
			eventLine("module.open_code", "allow", { path: "/a.js", rule: "entry" }, 1) +
				eventLine("code.string", "audit", { kind: "eval", reason: "ERR_RUNTIME_RULE" }, 2) +
				"{broken\n[1]\nnull\n" +
				eventLine("child_process.spawn", "refuse", { file: "/bin/sh", reason: "ERR_RUNTIME_RULE" }, 3) +
				eventLine("verifier.dropped", "allow", { count: 7 }, 4),
		);
		expect(result.status).toBe(0);
		expect(result.json().subjects).toMatchObject([
			{ kind: "events", events: 4, verdicts: { refuse: 1, audit: 1, allow: 2 }, brokenLines: 3, leftOut: 0 },
		]);
		expect(result.json().warnings).toEqual([expect.stringContaining("3 lines are no events; the first is line 3")]);
		const { texts, rows } = dataOf(page, "s0-events");
		expect(rows.map((row: number[]) => texts[row[2] ?? 0])).toEqual([
			...["child_process.spawn", "code.string", "module.open_code", "verifier.dropped"],
		]);
		expect(texts[rows[0][4]]).toBe("runtime.children");
		expect(page).toContain("1 action was refused");
		expect(page).toMatch(/Dropped by the programs<\/dt><dd>7</);
	});

	it("says first that nothing was refused if events are only recorded, and has the verdicts of the verifier's table", () => {
		const text = (verdict: string, time: number) => eventLine("code.string", verdict, { kind: "eval" }, time);
		// The native gate of earlier releases wrote `audit`.
		const { result, page } = write(text("record", 1) + text("audit", 2));
		expect(result.json().subjects[0].verdicts).toEqual({ refuse: 0, audit: 0, record: 2, allow: 0 });
		expect(page).toMatch(/<h2 id="[^"]*">Nothing was refused<\/h2>/);
		expect(page).toContain("2 events are only recorded: enforcement refuses nothing there.");
		const shown = PAGE_VERDICTS.map(({ id, label }) => [id, label.toLowerCase()]);
		expect(shown.reverse()).toEqual(Object.entries(VERDICTS).map(([id, { word }]) => [id, word]));
	});

	it("reads an empty log, times that are none, and values of other types", () => {
		expect(write("").page).toContain("There are no events");
		const { result, page } = write(
			'{"event":"x","verdict":"refuse","time":"never","path":{"a":1},"rule":["b"],"reason":null}\n' +
				'{"event":"__proto__","verdict":"allow","time":1e99,"path":"__proto__","rule":"constructor"}\n',
		);
		expect(result.status).toBe(0);
		expect(page).toContain("no readable time");
	});
});

describe("sigtool report of an index and its events", () => {
	it("lists the rules of the index that no event names, and counts no start in mode audit as a finding", () => {
		const { at, sigtool, report, page } = signedTree();
		const rules = [
			{ allow: { product: "lib" }, label: "lib" },
			{ deny: { name: "x.js" }, label: "no-x", owner: IMAGE },
		];
		writeFileSync(at("policy.json"), JSON.stringify({ version: 1, rules }));
		const compile = ["compile", at("lib"), "-o", at("a.sigx"), "--policy", at("policy.json"), "--allow-development"];
		expect(sigtool(compile).status).toBe(0);
		const start = eventLine("verifier.start", "audit", { mode: "audit" });
		writeFileSync(at("a.jsonl"), start + eventLine("module.open_code", "allow", { path: "/a.js", rule: "rules[lib]" }));
		const { subjects } = report(at("a.sigx"), at("a.jsonl")).json();
		expect(subjects[1]).toMatchObject({ verdicts: { refuse: 0, audit: 0, record: 1, allow: 1 } });
		const [, list = ""] =
			/No event of this file names these rules of the index:<\/p>\s*<ul>(.*?)<\/ul>/s.exec(page()) ?? [];
		expect(list).toMatch(/^<li><bdi>rules\[no-x\] .*&#60;img src=x.*<\/bdi><\/li>$/);
		report(at("a.jsonl"));
		expect(page()).not.toContain("No event of this file names");
	});
});

describe("sigtool report", () => {
	it("allows one script and one style by their digests, and nothing else", () => {
		const { at, report, page } = signedTree();
		report(at("lib"));
		const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page())?.[1]?.replaceAll("&#39;", "'");
		const [script, style] = [/<script>(.*?)<\/script>/s, /<style>(.*?)<\/style>/s].map((tag) => {
			const text = tag.exec(page())?.[1] ?? "";
			return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
		});
		expect(policy?.split("; ")).toEqual([
			...["default-src 'none'", `script-src ${script}`, `style-src ${style}`, "base-uri 'none'", "form-action 'none'"],
			...["require-trusted-types-for 'script'", "trusted-types 'none'"],
		]);
		expect(page().match(/<(?:script|style|link|img|iframe|object)\b[^>]*>/g)).toEqual([
			...["<style>", '<script type="application/json" id="s0-files">', "<script>"],
		]);
		expect(page()).not.toMatch(/ (?:src|style|on\w+)=/);
	});

	it("keeps hostile names as text", () => {
		const page = readFileSync(hostilePage(temporaryDirectory()), "utf8");
		expect(page).not.toContain("<img");
		expect(page).not.toContain("<script><");
		expect(page).not.toContain("window.hacked = 1;</");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not be there.
		expect(page).not.toMatch(/[\x00-\x08\x0b-\x1f\u2028-\u202e\u2066-\u2069\u200b]/);
		const { names, directories } = dataOf(page, "s0-files");
		expect(names).toContain(IMAGE);
		expect(names).toContain("line\\nbreak\\rtab\\t.js");
		expect(names).toContain("\\u2066isolate\\u2069\\u200b.js");
		expect(directories.length).toBeGreaterThan(15);
		expect(dataOf(page, "s2-events").texts).toContain(IMAGE);
		expect(HOSTILE_NAMES.some((name) => name.length > 3900)).toBe(true);
	});

	it("replaces a page and no other file, and warns where a page would be found as added", () => {
		const { at, sigtool, report } = signedTree();
		expect(report(at("lib")).status).toBe(0);
		expect(report(at("lib")).json().warnings).toEqual([]);
		const before = readFileSync(at("lib/lib.cat"));
		const { status, stderr } = sigtool(["report", at("lib"), "-o", at("lib/lib.cat")]);
		expect(status).toBe(2);
		expect(stderr).toContain("it is there, and is no page; name another file [ERR_OUTPUT_EXISTS]");
		expect(readFileSync(at("lib/lib.cat"))).toEqual(before);
		const inside = sigtool(["report", at("lib"), "-o", at("lib/report.html")]);
		expect(inside.status).toBe(0);
		expect(inside.stderr).toMatch(
			/warning: the page lies in the tree of ".*lib", where `sigtool verify` finds it as added/,
		);
	});

	it.each([
		[["missing"], /Cannot report on "missing": it does not exist/],
		[["lib/a.js"], /it is no catalog, directory, trust index or file of events/],
		[["lib", "-o", "-"], /the result is not written to standard output/],
		[["empty"], /Cannot find the catalog/],
	])("refuses %j, and writes nothing", (args, message) => {
		const { at, sigtool } = signedTree();
		mkdirSync(at("empty"));
		const { status, stderr } = sigtool(["report", "-o", "report.html", ...args], { cwd: at(".") });
		expect(status).toBeGreaterThan(0);
		expect(stderr).toMatch(message);
		expect(existsSync(at("report.html"))).toBe(false);
	});
});
