/** The Debian package is made of this checkout, from the single executable. */

import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, it } from "vitest";
import { canOverlay, OverlayRoot } from "../../../test/operations/overlay-root.js";
import { hasProgram, spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { makeDebianPackage } from "../../release/debian-package.mjs";
import { releaseVersion } from "../../release/workspace.mjs";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const single = join(workspace, "scripts/single-file.mjs");
const scratch = temporaryDirectory(atEndOfFile);
const version = releaseVersion();
let debianPackage = "";

beforeAll(async () => {
	const facts = { version, arch: process.arch, seconds: 1_700_000_000 };
	debianPackage = (await makeDebianPackage(scratch, { ...facts, single: makeSingle() })).file;
});

function makeSingle(): string {
	const args = [single, "--out", scratch, "--arch", process.arch];
	const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
	return join(scratch, `sigtool-linux-${process.arch}`);
}

const hasLintian = hasProgram("lintian");
const hasDpkg = hasProgram("dpkg-deb");

/** The completions of both names, by the shells that read them. */
const COMPLETIONS = {
	bash: ["usr/share/bash-completion/completions/sigtree", "usr/share/sigtool/completions/sigtool.bash"],
	zsh: ["usr/share/zsh/vendor-completions/_sigtree", "usr/share/sigtool/completions/_sigtool"],
	fish: ["usr/share/fish/vendor_completions.d/sigtree.fish", "usr/share/sigtool/completions/sigtool.fish"],
};

describe.skipIf(!hasDpkg)("the Debian package (needs dpkg-deb)", () => {
	it.skipIf(!hasLintian)("has nothing that lintian calls an error or warns of", () => {
		const { stdout } = spawnSync("lintian", ["--allow-root", "--profile", "debian", debianPackage], {
			encoding: "utf8",
		});
		expect(stdout).toBe("");
	});

	it("has manual pages that man formats without a warning, and completions that the shells read", () => {
		const tree = join(scratch, "deb");
		expect(spawnSync("dpkg-deb", ["-x", debianPackage, tree]).status).toBe(0);
		const pages = join(tree, "usr/share/man/man1");
		expect(readdirSync(pages)).toEqual(
			expect.arrayContaining(["sigtree.1.gz", "sigtool-sign.1.gz", "sigtool-verify.1.gz"]),
		);
		for (const page of readdirSync(pages)) {
			const { stdout } = spawnSync("sh", ["-c", `zcat "$1" | groff -man -Tutf8 -ww -z 2>&1`, "sh", join(pages, page)], {
				encoding: "utf8",
			});
			expect([page, stdout]).toEqual([page, ""]);
		}
		for (const [shell, files] of Object.entries(COMPLETIONS))
			for (const file of files) expect([file, spawnSync(shell, ["-n", join(tree, file)]).status]).toEqual([file, 0]);
	});
});

describe.skipIf(!canOverlay)("the Debian package on a host (needs root and overlayfs)", () => {
	const environment = { DEBIAN_FRONTEND: "noninteractive", HOME: "/root" };

	/** Runs lines of a shell in a root of its own, after the package was put into /srv. */
	function onHost(prepare: (root: OverlayRoot) => void, lines: string) {
		const root = new OverlayRoot();
		try {
			prepare(root);
			root.write(`/srv/${basename(debianPackage)}`, readFileSync(debianPackage));
			return root.run(["sh", "-ec", lines], { env: environment });
		} finally {
			root.remove();
		}
	}
	const INSTALL =
		"apt-get install -y -qq --no-install-recommends /srv/sigtool_*.deb >/srv/log 2>&1 || { cat /srv/log; exit 9; }";

	it("installs by apt under both names, works, and leaves nothing when it is purged", () => {
		const { status, stdout, stderr } = onHost(
			() => {},
			`${INSTALL}
			sigtool --version
			sigtree sign --help | head -1
			mkdir /srv/lib && echo a >/srv/lib/a
			sigtool sign /srv/lib >/dev/null 2>&1
			sigtree verify /srv/lib | head -1
			test -e /usr/share/man/man1/sigtool.1.gz
			test -e /usr/share/bash-completion/completions/sigtool
			test -e /usr/share/zsh/vendor-completions/_sigtool
			test -e /usr/share/fish/vendor_completions.d/sigtool.fish
			bash -c '. /usr/share/bash-completion/completions/sigtool; complete -p sigtool; ! complete -p sigtree 2>/dev/null'
			zgrep -q '^# Verifying' /usr/share/doc/sigtool/docs/reference/verifying.md.gz
			zgrep -q '^| \`catalog\` |' /usr/share/doc/sigtool/docs/reference/json.md.gz
			ls /etc/sigtool
			apt-get purge -y -qq sigtool >/dev/null 2>&1
			ls /etc/sigtool /usr/bin/sigtool /usr/bin/sigtree /usr/lib/sigtool-cli /usr/share/man/man1/sigtool.1.gz 2>&1 | grep -vc 'No such file' || true`,
		);
		expect(stdout + (status === 0 ? "" : stderr)).toBe(
			`${version}\nUsage: sigtree sign [options] [path...]\ntrusted /srv/lib\ncomplete -o default -F _sigtool sigtool\nverifier.json.example\n0\n`,
		);
	});

	it("leaves the sigtool of another package alone, and is sigtree there", () => {
		const other = "#!/bin/sh\necho the other\n";
		const { stdout } = onHost(
			(root) => root.write("/usr/bin/sigtool", other, 0o755),
			`${INSTALL}
			sigtool --version
			sigtree --version
			apt-get purge -y -qq sigtool >/dev/null 2>&1
			sigtool`,
		);
		expect(stdout).toBe(`the other\n${version}\nthe other\n`);
	});

	it("leaves the sigtool of another package alone that is a link", () => {
		const { stdout } = onHost(
			(root) => root.write("/usr/lib/other/sigtool", "#!/bin/sh\necho the other\n", 0o755),
			`ln -s ../lib/other/sigtool /usr/bin/sigtool
			${INSTALL}
			sigtool --version
			sigtree --version
			apt-get purge -y -qq sigtool >/dev/null 2>&1
			sigtool`,
		);
		expect(stdout).toBe(`the other\n${version}\nthe other\n`);
	});

	it("has an example of a host configuration that is valid without its comments", () => {
		const tree = mkdtempSync(join(scratch, "example-"));
		spawnSync("dpkg-deb", ["-x", debianPackage, tree]);
		const text = readFileSync(join(tree, "etc/sigtool/verifier.json.example"), "utf8");
		const [, command = ""] = /^\/\/ {3}(sed '.*' \/etc\/sigtool\/verifier\.json\.example) >/m.exec(text) ?? [];
		const { stdout } = spawnSync("sh", ["-c", command.replace("/etc", join(tree, "etc"))], { encoding: "utf8" });
		const ajv = new Ajv2020({ strict: false, validateFormats: false });
		const schema = JSON.parse(readFileSync(join(workspace, "packages/core/verifier.schema.json"), "utf8"));
		const isValid = ajv.compile(schema);
		expect([isValid(JSON.parse(stdout)), isValid.errors]).toEqual([true, null]);
	});
});
