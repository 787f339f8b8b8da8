import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { eventOf, loaded, project } from "./project.js";

describe("policy learn", () => {
	it("makes a rule for each product, by its signer, and lists what has to be signed", () => {
		const { sigtool, write, at } = project();
		write("start.json", { mode: "audit", rules: [{ deny: { name: "never" } }] });
		expect(sigtool(["compile", "app", "-o", "app.sigx", "--policy", "start.json", "--allow-development"]).status).toBe(
			0,
		);
		write(
			"log.jsonl",
			[
				loaded("main.js"),
				loaded("lib/b.js", { verdict: "audit", reason: "ERR_FILE_ADDED" }),
				...["a/index.js", "b/index.js"].map((name) =>
					eventOf({
						path: `/srv/site/node_modules/${name}`,
						sha256: "b".repeat(64),
						verdict: "audit",
						reason: "ERR_OUTSIDE_PRODUCTS",
					}),
				),
				eventOf({
					path: "/usr/lib/python3.13/json/x.py",
					sha256: "b".repeat(64),
					verdict: "audit",
					reason: "ERR_OUTSIDE_PRODUCTS",
				}),
				eventOf({ event: "python.open", detail: "/var/lib/app/state/x.db, w, 524865" }),
				eventOf({ event: "python.open", detail: "/var/lib/app/y, None, 66" }),
				eventOf({ event: "python.os.mkdir", detail: "/var/lib/app/made, 448, -1" }),
				eventOf({ event: "python.open", detail: "5, w, 524865" }),
				eventOf({ event: "python.open", detail: "/etc/passwd, r, 524288" }),
				eventOf({ event: "python.open", detail: "/dev/null, w, 1" }),
				eventOf({ event: "wasm.compile", verdict: "audit", sha256: "d".repeat(64), reason: "ERR_RUNTIME_RULE" }),
			].join("\n"),
		);
		const args = ["policy", "learn", "log.jsonl", "--index", "app.sigx", "--owner", "Web", "--expires", "2027-12-31"];
		const { status, stdout, stderr } = sigtool([...args, "-o", "learned.json"]);
		const rule = (allow: object, signer?: object) => ({
			allow: { ...allow, ...(signer && { signer }) },
			comment: "learned from 12 events, 2027-01-31 to 2027-01-31",
			owner: "Web",
			expires: "2027-12-31",
		});
		expect({ status, stdout }).toEqual({ status: 0, stdout: "wrote learned.json, learned from 12 events\n" });
		expect(JSON.parse(readFileSync(at("learned.json"), "utf8"))).toEqual({
			version: 1,
			mode: "enforce",
			rules: [
				rule({ product: "/usr/lib/python3.13" }),
				rule({ product: "app" }, { key: expect.stringMatching(/^[0-9a-f]{64}$/) }),
				rule({ product: "site" }),
			],
			launch: { write: ["/var/lib/app"] },
			runtime: { webAssemblySha256: ["d".repeat(64)] },
		});
		expect(stderr).toContain('1 file below "/srv/app" is not signed; sign it: `sigtool sign /srv/app`');
		expect(stderr).toContain('2 files below "/srv/site" are not signed; sign it: `sigtool sign /srv/site`');
		expect(stderr).toContain('1 file below "/usr/lib/python3.13" is not signed; the index adopts it');
		const operands = "/srv/app /srv/site --adopt /usr/lib/python3.13";
		const compile = `sigtool compile ${operands} --policy learned.json -o app.sigx --allow-development`;
		expect(stderr).toContain(`then compile: \`${compile}\``);
		expect(sigtool([...args, "--json"]).json().commands).toEqual([
			"sigtool sign /srv/app",
			"sigtool sign /srv/site",
			compile.replace("learned.json", "policy.json"),
		]);
		expect(sigtool(["policy", "check", "learned.json"]).status).toBe(0);
		expect(sigtool(["policy", "learn", "log.jsonl", "--expires", "soon"])).toMatchObject({ status: 2 });
	});

	it("says which members of the index's policy the learned one does not have", () => {
		const { sigtool, write } = project();
		write("log.jsonl", loaded("main.js"));
		const learn = (policy: object) => {
			write("start.json", policy);
			const compile = ["compile", "app", "-o", "app.sigx", "--policy", "start.json", "--allow-development"];
			expect(sigtool(compile).status).toBe(0);
			return sigtool(["policy", "learn", "log.jsonl", "--index", "app.sigx", "-o", "new.json", "--force"]).stderr;
		};
		const note = "note: the policy of the index says something else about ";
		expect(learn({ mode: "audit" })).not.toContain(note);
		expect(learn({ mode: "audit", rules: [{ allow: { product: "app" } }] })).not.toContain(note);
		expect(learn({ mode: "strict" })).toContain(`${note}mode: `);
		const stricter = {
			python: { stringCode: "signed" },
			files: { owner: "root" },
			rules: [{ deny: { name: "a.js" } }],
		};
		expect(learn({ mode: "audit", ...stricter })).toMatch(
			/says something else about files\.owner, python\.stringCode, denied files: .*`sigtool policy diff app\.sigx new\.json`/,
		);
	});

	it("warns before somebody signs what was changed after the signature", () => {
		const { sigtool, write } = project();
		const changed = (name: string) => loaded(name, { verdict: "audit", reason: "ERR_FILE_MODIFIED" });
		const learn = (...lines: string[]) => {
			write("log.jsonl", lines.join("\n"));
			return sigtool(["policy", "learn", "log.jsonl"]).stderr;
		};
		const added = loaded("lib/b.js", { verdict: "audit", reason: "ERR_FILE_ADDED" });
		expect(learn(added)).not.toContain("changed after the signature");
		const mend = "changed after the signature: find out by whom before you sign";
		expect(learn(added, changed("main.js"), changed("main.js"))).toContain(
			`note: "/srv/app/main.js" was ${mend} it again`,
		);
		expect(learn(changed("z.js"), changed("a.js"))).toContain(
			`note: 2 files, such as "/srv/app/a.js", were ${mend} them again`,
		);
	});

	it("names each product that its commands make, in words that a shell takes as they are", () => {
		const { sigtool, write } = project();
		const outside = (path: string) =>
			eventOf({ path, sha256: "b".repeat(64), verdict: "audit", reason: "ERR_OUTSIDE_PRODUCTS" });
		const paths = [
			"/srv/a/app/x.js",
			"/srv/b/app/y.js",
			"/srv/$(id)'s/z.js",
			"/srv/new\nline/z.js",
			"/etc/python3.13/s.py",
		];
		write("log.jsonl", paths.map(outside).join("\n"));
		const { policy, commands } = sigtool(["policy", "learn", "log.jsonl", "--json"]).json();
		const names = policy.rules.map(({ allow }: { allow: { product: string } }) => allow.product);
		expect(names).toEqual(["$(id)'s", "/etc/python3.13", "app", "b-app", "new_line"]);
		expect(commands).toEqual([
			`sigtool sign '/srv/$(id)'\\''s'`,
			"sigtool sign /srv/a/app",
			"sigtool sign /srv/b/app --product b-app",
			`sigtool sign "$(printf %b '/srv/new\\0012line')" --product new_line`,
			expect.stringMatching(/^sigtool compile --adopt \/etc\/python3.13 /),
		]);
	});

	it("names what the policy still refuses, by the judge of policy test", () => {
		const { sigtool, write } = project();
		const refused = (members: object) => eventOf({ verdict: "audit", reason: "ERR_RUNTIME_RULE", ...members });
		write(
			"log.jsonl",
			[
				loaded("main.js"),
				loaded("lib/b.js", { verdict: "audit", reason: "ERR_FILE_ADDED" }),
				loaded("large.js", { sizeBytes: 70_000_000, verdict: "audit", reason: "ERR_LIMIT" }),
				refused({ event: "module.register", kind: "register", rule: "fixed" }),
				refused({ event: "module.register", kind: "register", rule: "fixed" }),
				refused({ event: "module.register", kind: "registerHooks" }),
				refused({ event: "child_process.spawn", file: "git" }),
				refused({ event: "python.subprocess.Popen", detail: "uname, ['uname'], None, None" }),
				refused({ event: "code.string", kind: "eval" }),
				eventOf({ event: "wasm.compile", sha256: "d".repeat(64), rule: "webAssemblySha256" }),
				eventOf({ event: "wasm.compile", sha256: "e".repeat(64), rule: "content", product: "app", entry: "e.wasm" }),
			].join("\n"),
		);
		const { stdout, stderr } = sigtool(["policy", "learn", "log.jsonl"]);
		expect(JSON.parse(stdout)).toEqual({
			version: 1,
			mode: "enforce",
			rules: [expect.objectContaining({ allow: { product: "app" } })],
			files: { maxSizeBytes: 2 ** 27 },
			runtime: { webAssemblySha256: ["d".repeat(64)], moduleHooks: "signed" },
		});
		expect(stderr).toContain("note: it registers hooks of modules; runtime.moduleHooks lets it");
		expect(stderr).toContain("note: it starts programs: git, uname; this policy refuses that");
		expect(stderr).toContain("note: it loads a file of 70000000 bytes; files.maxSizeBytes lets it\n");
		expect(stderr.match(/note: enforcement refuses .*/g)).toEqual([
			"note: enforcement refuses module.register register: no policy allows it (ERR_RUNTIME_RULE)",
		]);
	});

	it("does not say that the policy lets a file that is larger than any policy allows", () => {
		const { sigtool, write } = project();
		write("log.jsonl", loaded("large.js", { sizeBytes: 3e9, verdict: "audit", reason: "ERR_LIMIT" }));
		const { stdout, stderr } = sigtool(["policy", "learn", "log.jsonl"]);
		expect(JSON.parse(stdout)).toMatchObject({ files: { maxSizeBytes: 2 ** 31 - 1 } });
		expect(stderr).not.toContain("lets it");
		expect(stderr).toMatch(/note: enforcement refuses .*large\.js.* \(ERR_LIMIT\)/);
	});

	it("resolves relative paths by --cwd, and grants the directory above one that the run made", () => {
		const { sigtool, write } = project();
		const opened = (detail: string) => eventOf({ event: "python.open", detail });
		const made = eventOf({ event: "python.os.mkdir", detail: "/tmp/made, 448, -1" });
		const database = eventOf({ event: "python.sqlite3.connect", detail: "/var/lib/db/x.db" });
		const others = ["", ":memory:", "file:x?mode=memory", "state/y.db"].map((detail) =>
			eventOf({ event: "python.sqlite3.connect", detail }),
		);
		write(
			"log.jsonl",
			[opened("out.txt, w, 524865"), made, opened("/tmp/made/a, w, 524865"), database, ...others].join("\n"),
		);
		const learn = (...args: string[]) => {
			const { stdout, stderr } = sigtool(["policy", "learn", "log.jsonl", ...args]);
			return { stderr, write: JSON.parse(stdout).launch.write };
		};
		expect(learn()).toEqual({
			stderr: expect.stringContaining(
				"it writes to out.txt and 1 more, relative to its working directory; --cwd names that directory",
			),
			write: ["/tmp", "/var/lib/db"],
		});
		expect(learn("--cwd", "/srv/data")).toEqual({
			stderr: expect.not.stringContaining("--cwd"),
			write: ["/srv/data", "/tmp", "/var/lib/db"],
		});
	});
});
