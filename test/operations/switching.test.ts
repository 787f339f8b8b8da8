/** Ships releases into directories of their own, and switches one link from one to the next by a rename. */

import { once } from "node:events";
import { chownSync, lchownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { spawn } from "../outside.js";
import { AskedProcess, programOf } from "./asked-process.js";
import { canBeHost, RUNTIMES, type Runtime, Site } from "./site.js";

class Releases {
	readonly site: Site;

	constructor(runtime: Runtime) {
		this.site = new Site(runtime);
		this.ship(1);
		this.switchTo(1);
		this.site.configure("current/app", { index: this.site.at("current/app.sigx") });
		this.site.install("current/app.sigx", "enforce");
	}

	ship(release: number): void {
		mkdirSync(this.site.at(`rel/${release}`), { recursive: true });
		this.site.release(`rel/${release}/app`, programOf(this.site.runtime, release), release);
		this.site.compile(`rel/${release}/app`, `rel/${release}/app.sigx`);
	}

	/** Does what `ln -s` and `mv -T` do. */
	switchTo(release: number): void {
		symlinkSync(`rel/${release}`, this.site.at("current.new"));
		renameSync(this.site.at("current.new"), this.site.at("current"));
	}

	get script(): string {
		return `current/app/${this.site.script}`;
	}

	start(): AskedProcess {
		return new AskedProcess(this.site.launcher, this.site.at(this.script));
	}
}

describe.skipIf(!canBeHost)("releases behind one link (needs root, and the launcher built)", () => {
	it.each(RUNTIMES)("$name loads lazily from its release after the link was switched", async (runtime) => {
		const releases = new Releases(runtime);
		releases.ship(2);
		const old = releases.start();
		expect([await old.line(), old.stderr]).toEqual(["release 1", ""]);
		expect(await old.ask("here late")).toBe("late 1");
		releases.switchTo(2);
		const next = releases.start();
		expect([await next.line(), next.stderr]).toEqual(["release 2", ""]);
		// A module that was not loaded before, and a thread or a process that starts only now.
		expect([await old.ask("here later"), old.stderr]).toEqual(["later 1", ""]);
		expect([await old.ask("apart late"), old.stderr]).toEqual(["late 1", ""]);
		expect(await next.ask("apart later")).toBe("later 2");
		// Back again, as after a release that did not work.
		releases.switchTo(1);
		const back = releases.start();
		expect(await back.line()).toBe("release 1");
		expect(await next.ask("here late")).toBe("late 2");
		for (const each of [old, next, back]) expect([await each.stop(), each.stderr]).toEqual([0, ""]);
	});

	it.each(RUNTIMES)("12 of 12 starts of $name in the moment of a switch run one release", async (runtime) => {
		const releases = new Releases(runtime);
		releases.ship(2);
		const loop = `while [ -e go ]; do for r in 1 2; do ln -s rel/$r new && mv -T new current; done; done`;
		const go = releases.site.at("go");
		writeFileSync(go, "");
		const switching = spawn("sh", ["-c", loop], { cwd: releases.site.host.directory, stdio: "ignore" });
		const stopped = once(switching, "exit");
		try {
			for (let start = 0; start < 12; start++) {
				const process = releases.start();
				const release = /^release ([12])$/.exec((await process.line()) ?? process.stderr)?.[1];
				expect([release, process.stderr]).toEqual([expect.any(String), ""]);
				expect([await process.ask("here late"), process.stderr]).toEqual([`late ${release}`, ""]);
				expect([await process.ask("apart later"), process.stderr]).toEqual([`later ${release}`, ""]);
				expect([await process.stop(), process.stderr]).toEqual([0, ""]);
			}
		} finally {
			rmSync(go);
			await stopped;
		}
	});

	it("a link that another user owns is not followed", () => {
		const releases = new Releases(RUNTIMES[0] as Runtime);
		const { site } = releases;
		expect(site.start(releases.script)).toMatchObject({ status: 0, stdout: "release 1\n" });
		lchownSync(site.at("current"), 64_321, 64_321);
		const refused = site.start(releases.script);
		expect(refused).toMatchObject({ status: 126, stdout: "" });
		expect(refused.stderr).toMatch(/Cannot follow the link ".*\/current" .*root does not own it/);
	});

	it("the link switched back to an older release is refused where the host demands a newer one", () => {
		const releases = new Releases(RUNTIMES[0] as Runtime);
		const { site } = releases;
		releases.ship(2);
		site.configure("current/app", {}, { minimumSequence: 2 });
		releases.switchTo(2);
		expect(site.start(releases.script)).toMatchObject({ status: 0, stdout: "release 2\n" });
		releases.switchTo(1);
		expect(site.start(releases.script)).toMatchObject({ status: 126, stdout: "" });
	});

	it("a directory with the link in it is not made writable", () => {
		const releases = new Releases(RUNTIMES[0] as Runtime);
		const { site } = releases;
		mkdirSync(site.at("links"));
		renameSync(site.at("current"), site.at("links/current"));
		symlinkSync("../rel", site.at("links/rel"));
		chownSync(site.at("links"), 0, 0);
		site.configure("links/current/app");
		site.install("links/current/app.sigx", "enforce");
		const script = `links/current/app/${site.script}`;
		expect(site.start(script)).toMatchObject({ status: 0, stdout: "release 1\n" });
		const granted = site.host.sigtool(["run", ...site.host.prefix, "--write", site.at("links"), site.at(script)]);
		expect(granted).toMatchObject({ status: 126, stdout: "" });
		expect(granted.stderr).toMatch(/Cannot make ".*\/links" writable: ".*\/links\/current\/.*" lies in it/);
	});

	it("launcher check names what a new policy changes, and the command that installs it", () => {
		const releases = new Releases(RUNTIMES[0] as Runtime);
		const { site } = releases;
		const check = () => site.host.sigtool(["launcher", "check", ...site.host.prefix]);
		expect(check()).toMatchObject({ status: 0 });
		releases.ship(2);
		releases.switchTo(2);
		// A release of the same policy needs no installation.
		expect(check()).toMatchObject({ status: 0 });
		const policy = { version: 1, launch: { network: { connect: [443] } } };
		writeFileSync(site.at("policy.json"), JSON.stringify(policy));
		site.compile("rel/2/app", "rel/2/app.sigx", ["--policy", site.at("policy.json")]);
		const found = check();
		expect(found).toMatchObject({ status: 1 });
		const command = /the policy's launch\.network\): run `sigtool (launcher install .*)` as root/.exec(
			found.stdout,
		)?.[1];
		expect(command).toContain("--prefix");
		site.do((command ?? "").split(" "));
		expect(check()).toMatchObject({ status: 0 });
	});
});
