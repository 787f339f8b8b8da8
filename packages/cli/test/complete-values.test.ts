import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runner, temporaryDirectory } from "./support.js";

const PIN = "ab".repeat(32);

it("complete-values prints identities, entries of the trust store and products, each with a description", () => {
	const home = temporaryDirectory();
	const run = runner(home);
	run(["identity", "new", "release", "--key-type", "p256"]);
	run(["trust", "add", PIN, "--label", "the\u202e\u00e9 release"]);
	configure(home, [{ name: "payments", root: "/srv/payments" }, { name: "web" }]);
	const values = (kind: string) => run(["complete-values", kind]);
	expect(values("identity").stdout).toMatch(/^development\tCN=sigtool development.*\nrelease\tCN=release\n$/);
	// The development identity cannot be removed from the trust store.
	expect(values("pin").stdout).toBe(`${PIN}\tpin the\\u202e\u00e9 release\n`);
	expect(values("product").stdout).toBe("payments\t/srv/payments\nweb\t\n");
});

it("complete-values also prints the product of the project in which the shell is, whoever wrote its configuration", () => {
	const home = temporaryDirectory();
	const run = runner(home);
	const project = join(home, "project");
	mkdirSync(join(project, "src"), { recursive: true });
	const products = (name: string) => {
		writeFileSync(join(project, "sigtool.config.json"), JSON.stringify({ product: name }));
		return run(["complete-values", "product"], { cwd: join(project, "src") }).stdout;
	};
	expect(products("shop")).toMatch(/^shop\t.*project.*\n$/);
	for (const name of ["--force", "two\nlines", "tab\tbed", "\u001b]0;title\u0007", ""]) expect(products(name)).toBe("");
	expect(products("$(id)")).toMatch(/^\$\(id\)\t.*\n$/);
});

it("complete-values leaves out products that are not one word of a line", () => {
	const home = temporaryDirectory();
	const names = ["-x", "--force", " begins", "ends ", "right\u202eleft", "a b", "x".repeat(257), "$(id)"];
	configure(
		home,
		names.map((name, index) => ({ name, root: `/srv/${index}` })),
	);
	const { stdout } = runner(home)(["complete-values", "product"]);
	expect(stdout).toBe("a b\t/srv/5\n$(id)\t/srv/7\n");
});

it("complete-values prints nothing where there is nothing, and of a configuration that cannot be read", () => {
	const home = temporaryDirectory();
	const run = runner(home, { identity: "none" });
	for (const kind of ["identity", "pin", "product"])
		expect(run(["complete-values", kind])).toEqual(expect.objectContaining({ status: 0, stdout: "", stderr: "" }));
	mkdirSync(join(home, "config/sigtool"), { recursive: true });
	writeFileSync(join(home, "config/sigtool/verifier.json"), "{");
	expect(run(["complete-values", "product"])).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

it("complete-values refuses an unknown kind with one line, and is not in the help", () => {
	const run = runner(temporaryDirectory());
	for (const args of [[], ["toString"], ["pin", "product"]]) {
		const { status, stdout, stderr } = run(["complete-values", ...args]);
		expect([status, stdout]).toEqual([2, ""]);
		expect(stderr).toMatch(
			/^error: Use `complete-values KIND` with one of the kinds code, identity, pin, product \[ERR_USAGE\]\n$/,
		);
	}
	expect(run(["--help"]).stdout).not.toContain("complete-values");
});

function configure(home: string, products: readonly object[]): void {
	mkdirSync(join(home, "config/sigtool"), { recursive: true });
	writeFileSync(join(home, "config/sigtool/verifier.json"), JSON.stringify({ version: 1, pins: [], products }));
}
