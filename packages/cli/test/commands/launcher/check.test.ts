import { createHash } from "node:crypto";
import {
	appendFileSync,
	chmodSync,
	chownSync,
	lchownSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { describe, expect, it } from "vitest";
import { canBeHost, Host } from "../../../../../test/host/host.js";
import { spawnSync } from "../../../../../test/outside.js";
import { makeTree } from "../../support.js";

describe.skipIf(!canBeHost)("sigtool launcher check (needs root, and the launcher built)", () => {
	const damages: readonly (readonly [string, (host: Host) => void, RegExp])[] = [
		[
			"a launcher configuration that others may write",
			(h) => chmodSync(h.at("lib/launcher.conf"), 0o664),
			/settings .*launcher\.conf" can be written to by its group/,
		],
		[
			"a directory that others may write",
			(h) => chmodSync(h.at("lib"), 0o777),
			/launcher .*lib" can be written to by everyone/,
		],
		[
			"a launcher of another user",
			(h) => chownSync(h.at("lib/sigtool-launch"), 1234, 0),
			/launcher .*belongs to user 1234/,
		],
		["a changed hook", (h) => writeFileSync(h.part("register.cjs"), "//"), /hook .*register\.cjs changed/],
		["a changed addon", (h) => writeFileSync(h.part("addon.node"), ""), /addon .*changed/],
		[
			"a launcher configuration with an unknown key",
			(h) => appendFileSync(h.at("lib/launcher.conf"), "bogus x\n"),
			/settings .*\$\.bogus" is not a member of this version/,
		],
		[
			"a launcher configuration with an unknown mode",
			(h) =>
				writeFileSync(
					h.at("lib/launcher.conf"),
					readFileSync(h.at("lib/launcher.conf"), "utf8").replace("mode enforce", "mode x"),
				),
			/settings .*\$\.mode" must be one of/,
		],
		[
			"a configuration that is not JSON",
			(h) => writeFileSync(h.at("verifier.json"), "{"),
			/configuration +cannot use .*: it is not JSON: line 1, column 2: Expected property name/,
		],
		[
			"no launcher configuration",
			(h) => rmSync(h.at("lib/launcher.conf")),
			/launcher\.conf": no such file or directory \[ERR_ROOT_MISSING\]; run .sigtool launcher install/,
		],
		["no index", (h) => rmSync(h.at("app.sigx")), /index .*does not exist/],
		[
			"an index nobody trusts",
			(h) => h.configure({ pins: [{ "spki-sha256": "0".repeat(64) }] }),
			/index .*add its key to "pins" in ".*verifier\.json" if it may.*ERR_UNTRUSTED_SIGNER/,
		],
		["a configuration in error", (h) => h.configure({ pinz: [] }), /configuration .*pinz.*ERR_HOST_CONFIG/],
		[
			"a link to the index that another user could switch",
			(h) => {
				renameSync(h.at("app.sigx"), h.at("real.sigx"));
				symlinkSync("real.sigx", h.at("app.sigx"));
				lchownSync(h.at("app.sigx"), 1234, 0);
			},
			/link +".*app\.sigx" belongs to user 1234, and leads to .*; make it anew as root/,
		],
		[
			"a link to a signed tree that another user could switch",
			(h) => {
				renameSync(h.at("app"), h.at("real"));
				symlinkSync("real", h.at("app"));
				lchownSync(h.at("app"), 1234, 0);
			},
			/link +".*\/app" belongs to user 1234/,
		],
		["another node pinned by the host", (h) => h.configure({ launcher: { node: [] } }), /pins another node/],
		[
			"a launcher configuration older than the host configuration",
			(h) => h.configure({ audit: { jsonLines: "/var/log/x" } }),
			/flags .*the file of events: \/var\/log\/x, installed none\).*launcher install --prefix/,
		],
	];
	it.each(damages)("check finds %s", (_, damage, message) => {
		const host = new Host();
		host.deploy();
		damage(host);
		const { status, stdout } = host.sigtool(["launcher", "check", ...host.prefix]);
		expect(stdout).toMatch(message);
		expect(status).toBe(1);
	});

	it.each([
		["missing", (host: Host) => rmSync(host.at("app.sigx"))],
		[
			"a link that dangles",
			(host: Host) => {
				rmSync(host.at("app.sigx"));
				symlinkSync("nowhere", host.at("app.sigx"));
			},
		],
		["damaged", (host: Host) => truncateSync(host.at("app.sigx"), 100)],
		["untrusted", (host: Host) => host.configure({ pins: [{ "spki-sha256": "0".repeat(64) }] })],
	])("check does not say to install by an index that is %s", (_, damage) => {
		const host = new Host();
		host.deploy();
		damage(host);
		const { stdout } = host.sigtool(["launcher", "check", ...host.prefix]);
		expect(stdout).toMatch(/^wrong {2}index /m);
		expect(stdout).not.toMatch(/flags|launcher install/);
	});

	it("check says once that a file is no JSON, also with --files", () => {
		const host = new Host();
		host.deploy();
		writeFileSync(host.at("verifier.json"), '{\n\t"version": 1\n\t"mode": "audit"\n}');
		const { status, stdout } = host.sigtool(["launcher", "check", "--files", ...host.prefix]);
		expect(stdout.match(/not JSON.*/g)).toEqual([
			"not JSON: line 3, column 2: Expected ',' or '}' after property value [ERR_HOST_CONFIG]",
		]);
		expect(status).toBe(1);
	});

	it("check --files fails for a signed file that is denied, and check alone tells of it", () => {
		const host = new Host();
		host.deploy();
		const file = createHash("sha256")
			.update(readFileSync(host.at("app/main.js")))
			.digest("hex");
		host.configure({ deny: [{ file, reason: "a bad idea" }] });
		expect(host.run(host.at("app/main.js"))).toMatchObject({ status: 126, stdout: "" });
		const says =
			/denied +"main\.js" of "\w+" is on the deny list of \S+: a bad idea; put a release without it in place/;
		const check = (...options: string[]) => host.sigtool(["launcher", "check", ...options, ...host.prefix]);
		expect(check()).toMatchObject({ status: 0, stdout: expect.stringMatching(says) });
		expect(check("--files", "--quiet")).toMatchObject({ status: 1, stdout: expect.stringMatching(says) });
	});

	it("check judges the modes of launcher and configuration together", () => {
		const host = new Host();
		host.deploy();
		const judged = (launcher: string, verifier: string | undefined) => {
			host.configure({ mode: verifier });
			expect(host.sigtool(host.installing({ mode: launcher })).status).toBe(0);
			const { exit, findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix]).json();
			const { status, says } = findings.find(({ what }: { what: string }) => what === "mode");
			expect(exit, JSON.stringify(findings)).toBe(status === "wrong" ? 1 : 0);
			if (status === "wrong") expect(says).toMatch(/docs\/how-to\/emergency\.md, "Closing"/);
			const second = verifier === undefined ? "the policy of \\S+app\\.sigx" : "\\S+verifier\\.json";
			const mode = verifier ?? "enforce";
			expect(says).toMatch(new RegExp(`launcher\\.conf has mode ${launcher}, ${second} has mode ${mode}`));
			return status;
		};
		const modes = ["off", "audit", "enforce", "strict"];
		const table = modes.map((launcher) => modes.map((verifier) => judged(launcher, verifier)));
		expect(table).toEqual([
			["wrong", "wrong", "wrong", "wrong"],
			["wrong", "note", "wrong", "wrong"],
			["wrong", "wrong", "ok", "note"],
			["wrong", "wrong", "ok", "ok"],
		]);
		writeFileSync(host.at("policy.json"), JSON.stringify({ version: 1, mode: "strict" }));
		host.deploy(host.key, ["--policy", host.at("policy.json")]);
		expect(judged("enforce", "enforce")).toBe("note");
		host.deploy();
		expect(judged("audit", undefined)).toBe("wrong");
		expect(judged("enforce", undefined)).toBe("ok");
	});

	it("check tells that the configuration names another index than launcher.conf", () => {
		const host = new Host();
		host.deploy();
		const found = () => {
			const { exit, findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix]).json();
			expect(exit).toBe(0);
			return findings.filter(({ what }: { what: string }) => what === "other index");
		};
		expect(found()).toEqual([]);
		symlinkSync("app.sigx", host.at("current.sigx"));
		host.configure({ index: host.at("current.sigx") });
		expect(found()).toEqual([]);
		host.configure({ index: host.at("next.sigx") });
		const says = expect.stringMatching(
			/names \S+next\.sigx, but the launcher takes \S+app\.sigx: .*install --prefix \S+lib --index \S+next\.sigx/,
		);
		expect(found()).toEqual([{ what: "other index", status: "note", says }]);
	});

	it("check accepts the roots of products in another order", () => {
		const host = new Host();
		for (const name of ["one", "two"]) makeTree(host.at(name), { "a.js": name });
		const adopting = (...names: readonly string[]) => names.flatMap((name) => ["--adopt", host.at(name)]);
		host.deploy(host.key, adopting("one", "two"));
		const installed = readFileSync(host.at("lib/launcher.conf"), "utf8");
		host.deploy(host.key, adopting("two", "one"));
		expect(readFileSync(host.at("lib/launcher.conf"), "utf8")).not.toBe(installed);
		writeFileSync(host.at("lib/launcher.conf"), installed);
		const flags = () => host.sigtool(["launcher", "check", ...host.prefix]).stdout.match(/^.*flags.*$/m)?.[0];
		expect(flags()).toMatch(/^ok +flags/);
		writeFileSync(host.at("lib/launcher.conf"), installed.replace(/^tree .*\/two\n/m, ""));
		expect(flags()).toMatch(/^wrong +flags +.*the roots of products/);
	});

	it("check repeats the prefix in each command that it names", () => {
		const host = new Host();
		host.deploy();
		appendFileSync(host.at("lib/sigtool-launch"), "\n");
		appendFileSync(host.part("register.cjs"), "\n");
		const record = readdirSync(host.at("lib/indexes")).find((name) => !name.endsWith(".sigx")) ?? "";
		writeFileSync(host.at(`lib/indexes/${record}`), "");
		host.configure({ index: host.at("next.sigx"), audit: { jsonLines: host.at("audit.jsonl") } });
		const { stdout } = host.sigtool(["launcher", "check", ...host.prefix]);
		const named = stdout.match(/`sigtool launcher [^`]+`/g) ?? [];
		expect(named.length, stdout).toBeGreaterThanOrEqual(6);
		expect(named.filter((each) => !each.includes(` --prefix ${host.at("lib")}`))).toEqual([]);
	});

	it("check tells that no file keeps events, and which member mends that", () => {
		const host = new Host();
		host.deploy();
		const events = () => {
			const { findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix]).json();
			return findings.filter(({ what }: { what: string }) => what === "events");
		};
		const says = expect.stringMatching(
			/no file keeps them.*`sigtool log`.*: set audit\.jsonLines in \S+verifier\.json, and run `.*install --prefix \S+lib`/,
		);
		expect(events()).toEqual([{ what: "events", status: "note", says }]);
		host.configure({ audit: { jsonLines: host.at("audit.jsonl") } });
		expect(events()).toEqual([]);
	});

	it("check writes no event, and with --quiet prints only what is wrong", () => {
		const host = new Host();
		host.configure({ audit: { jsonLines: host.at("events/audit.jsonl"), stderr: "all" } });
		host.deploy();
		const check = () => host.sigtool(["launcher", "check", "--quiet", ...host.prefix]);
		expect(check().stdout).toMatch(/^wrong {2}events +\S+\/events does not exist: make it.*\n$/);
		mkdirSync(host.at("events"));
		expect(check()).toMatchObject({ status: 0, stdout: "", stderr: "" });
		expect(readdirSync(host.at("events"))).toEqual([]);
	});

	it("check prints its findings as JSON", () => {
		const host = new Host();
		host.deploy();
		const { findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix]).json();
		expect(findings.map(({ what, status }: { what: string; status: string }) => `${status} ${what}`)).toEqual([
			...["ok settings", "ok mode", "ok launcher", "ok node", "ok node release", "ok hook", "ok addon", "ok gate"],
			...["ok configuration", "ok index", "ok shared index", "ok flags", "note events"],
			...["ok landlock", "ok landlock-truncate", "ok landlock-devices", "ok landlock-scopes", "ok landlock-log"],
			...["ok seccomp", "ok signal-owners", "ok securebits", "note user"],
		]);
	});

	it("check tells which options are missing on the mounts of writable directories", () => {
		const host = new Host();
		writeFileSync(host.at("policy.json"), JSON.stringify({ version: 1, launch: { write: [host.at("data")] } }));
		host.deploy(host.key, ["--policy", host.at("policy.json")]);
		const write = () => {
			const { findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix]).json();
			return findings.find(({ what }: { what: string }) => what === "write");
		};
		const found = spawnSync("findmnt", ["-n", "-o", "OPTIONS", "--target", host.at("data")], { encoding: "utf8" });
		const options = found.stdout.trim().split(",");
		const { status, says } = write();
		expect(says).toContain(host.at("data"));
		const asRoot = "not nosuid, so mode strict does not start as root: mount it with nosuid, or run as another user";
		expect(says.includes(asRoot)).toBe(!options.includes("nosuid"));
		expect(/not noexec, so signed native code could map/.test(says)).toBe(!options.includes("noexec"));
		expect(status).toBe(["nosuid", "noexec"].every((option) => options.includes(option)) ? "ok" : "note");
		rmSync(host.at("data"), { recursive: true });
		expect(write()).toMatchObject({ status: "wrong", says: expect.stringContaining("no such file or directory") });
	});
});
