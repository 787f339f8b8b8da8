/** Follows docs/how-to/identities.md: first the new key is announced, then it is used, and then the old key is removed. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canBeHost, Host } from "../../../../../test/host/host.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

interface NewIdentity {
	readonly pin: string;
	readonly key: readonly string[];
}

function makeIdentity(sigtool: ReturnType<typeof runner>, name: string): NewIdentity {
	const made = sigtool(["identity", "new", name, "--key-type", "p256", "--json"]).json();
	return { pin: made.spkiSha256, key: ["--key", made.keyFile, "--cert", made.certificateFile] };
}

describe("replacing a key", () => {
	it("people trust both keys in between, and only the new one afterwards", () => {
		const home = temporaryDirectory();
		const [signing, person] = [runner(join(home, "signing")), runner(join(home, "person"), { identity: "none" })];
		const [before, after] = ["before", "after"].map((name) => makeTree(join(home, name), { "a.js": name }));
		const verify = (tree: string) => person(["verify", tree]).status;

		const old = makeIdentity(signing, "release-2026");
		expect(signing(["sign", before, ...old.key])).toMatchObject({ status: 0 });
		expect(person(["trust", "add", old.pin, "--label", "release 2026"])).toMatchObject({ status: 0 });
		expect(verify(before)).toBe(0);

		const next = makeIdentity(signing, "release-2027");
		expect(signing(["sign", after, ...next.key])).toMatchObject({ status: 0 });
		expect(verify(after)).toBe(1);
		expect(person(["trust", "add", next.pin, "--label", "release 2027"])).toMatchObject({ status: 0 });
		expect([verify(before), verify(after)]).toEqual([0, 0]);

		const { trusted } = person(["trust", "list", "--json"]).json();
		const { id } = trusted.find(({ label }: { label: string }) => label === "release 2026");
		expect(person(["trust", "remove", id])).toMatchObject({ status: 0 });
		expect([verify(before), verify(after)]).toEqual([1, 0]);
	});

	it.skipIf(!canBeHost)("a host runs releases in every step, and finally none of the old key (needs root)", () => {
		const host = new Host();
		const identity = (name: string) => makeIdentity(host.sigtool, name);
		const [old, next] = [identity("release-2026"), identity("release-2027")];
		const pinned = (...pins: NewIdentity[]) => {
			host.configure({ pins: pins.map(({ pin }) => ({ "spki-sha256": pin, name: pin })) });
		};
		/** Makes a release in the form in which it arrives at the host: files and an index. */
		const release = (text: string, { key }: NewIdentity) => {
			writeFileSync(host.at("app/main.js"), `console.log(${JSON.stringify(text)})`);
			const certificate = key[3];
			for (const step of [
				["sign", host.at("app"), ...key],
				["compile", host.at("app"), "-o", host.at("app.sigx"), "--trust", certificate, ...key],
			]) {
				expect(host.sigtool(step)).toMatchObject({ status: 0 });
			}
			return { main: readFileSync(host.at("app/main.js")), index: readFileSync(host.at("app.sigx")) };
		};
		const deploy = ({ main, index }: ReturnType<typeof release>) => {
			writeFileSync(host.at("app/main.js"), main);
			writeFileSync(host.at("app.sigx"), index);
		};
		const run = () => {
			const { status, stdout } = host.run(host.at("app/main.js"));
			return [status, stdout];
		};

		pinned(old);
		const first = release("one", old);
		expect(host.sigtool(host.installing())).toMatchObject({ status: 0 });
		expect(run()).toEqual([0, "one\n"]);

		const second = release("two", next);
		expect(run()).toEqual([126, ""]);
		pinned(old, next);
		expect(run()).toEqual([0, "two\n"]);
		deploy(first);
		expect(run()).toEqual([0, "one\n"]);

		pinned(next);
		expect(run()).toEqual([126, ""]);
		deploy(second);
		expect(run()).toEqual([0, "two\n"]);
	});
});
