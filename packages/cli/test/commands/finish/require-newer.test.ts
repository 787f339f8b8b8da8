import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type Authority, makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";

describe("finish --previous FILE --require-newer", () => {
	let home: string;
	let tree: string;
	let authority: Authority;
	let sigtool: ReturnType<typeof runner>;
	let previous: string;
	beforeEach(() => {
		home = temporaryDirectory();
		tree = makeTree(join(home, "lib"), { "index.js": "1\n", "notes.log": "x\n" });
		authority = makeAuthority(join(home, "pki"), "P-256");
		sigtool = runner(home);
		previous = join(home, "previous.cat");
		unsigned("--product", "lib", "--sequence", "5");
		expect(finish("-o", previous)).toMatchObject({ status: 0 });
	});

	const catalog = () => join(tree, "lib.cat");
	const unsigned = (...options: string[]) => {
		expect(sigtool(["sign", tree, "--unsigned", "--force", ...options])).toMatchObject({ status: 0 });
	};
	const finish = (...options: string[]) =>
		sigtool(["finish", catalog(), "--key", authority.keyFile, "--cert", authority.certFile, ...options]);
	const finishNewer = () => finish("-o", join(home, "new.cat"), "--previous", previous, "--require-newer");

	it("signs a newer release of the same product under the same rules", () => {
		unsigned("--product", "lib", "--sequence", "6");
		const run = finishNewer();
		expect([run.status, run.stderr]).toEqual([0, expect.stringContaining("since     ")]);
		expect(existsSync(join(home, "new.cat"))).toBe(true);
	});

	it.each<[string, string[], string]>([
		[
			"the same sequence",
			["--product", "lib", "--sequence", "5"],
			"the sequence does not grow: the previous catalog has 5, this one 5",
		],
		[
			"a lower sequence",
			["--product", "lib", "--sequence", "4"],
			"the sequence does not grow: the previous catalog has 5, this one 4",
		],
		["another product", ["--product", "bil", "--sequence", "6"], 'the previous catalog is of product "lib"'],
		[
			"more ignored",
			["--product", "lib", "--sequence", "6", "--exclude", "*.log"],
			'the rules differ: ignore "*.log" is new',
		],
		[
			"fewer included",
			["--product", "lib", "--sequence", "6", "--include", "*.js"],
			'the rules differ: include "*.js" is new',
		],
	])(
		"%s: refuses with exit status 1, before it asks for the key, and warns without the option",
		(_, options, reason) => {
			unsigned(...options);
			const before = readFileSync(catalog());
			const run = finishNewer();
			expect(run.status).toBe(1);
			expect(run.stderr).toMatch(/Cannot sign ".*lib\.cat": it is no newer release than ".*previous\.cat": /);
			expect(run.stderr).toContain(reason);
			expect(run.stderr).toContain("[ERR_NOT_NEWER]");
			expect(existsSync(join(home, "new.cat"))).toBe(false);
			expect(readFileSync(catalog())).toEqual(before);
			const warned = finish("-o", join(home, "warned.cat"), "--previous", previous);
			expect([warned.status, warned.stderr]).toEqual([0, expect.stringContaining(reason)]);
		},
	);

	it("gives every reason at once, and the code in JSON", () => {
		unsigned("--product", "bil", "--sequence", "5", "--exclude", "*.log");
		const run = sigtool([
			...["finish", catalog(), "--key", authority.keyFile, "--cert", authority.certFile],
			...["--previous", previous, "--require-newer", "--json"],
		]);
		expect(run).toMatchObject({ status: 1 });
		const { code, message } = run.json().error;
		expect(code).toBe("ERR_NOT_NEWER");
		expect(message).toMatch(
			/of product "lib"; the sequence does not grow: .* 5, this one 5; the rules differ: ignore "\*\.log" is new/,
		);
	});

	it("names five of many rules, and those that are gone", () => {
		const many = Array.from({ length: 9 }, (_, index) => ["--exclude", `*.${index}`]).flat();
		unsigned("--product", "lib", "--sequence", "6", ...many);
		expect(finish("-o", previous)).toMatchObject({ status: 0 });
		unsigned("--product", "lib", "--sequence", "7", ...many, "--exclude", "*.log");
		expect(finishNewer().stderr).toContain('the rules differ: ignore "*.log" is new [');
		unsigned("--product", "lib", "--sequence", "7");
		const gone = [0, 1, 2, 3, 4].map((index) => `ignore "*.${index}" is gone`).join(", ");
		expect(finishNewer().stderr).toContain(`the rules differ: ${gone} and 4 more [`);
	});

	it("refuses a directory as --previous with exit status 2", () => {
		unsigned("--product", "lib", "--sequence", "6");
		const run = finish("-o", join(home, "new.cat"), "--previous", tree, "--require-newer");
		expect([run.status, run.stderr]).toEqual([2, expect.stringContaining("it is a directory; name a file")]);
	});

	it("needs --previous", () => {
		cpSync(previous, catalog());
		expect(finish("--require-newer")).toMatchObject({ status: 2, stderr: expect.stringContaining("--previous") });
	});
});
