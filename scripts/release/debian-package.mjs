/**
 * Makes the Debian package, which holds the single executable. It owns the command `sigtree`; a maintainer script adds
 * `sigtool` where that name is free.
 */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { commandTree } from "../command-line/command-tree.mjs";
import { completions } from "../command-line/completions.mjs";
import { manPages } from "../command-line/man-pages.mjs";
import { pageText } from "../docs/pages.mjs";
import { listTree, normalizeTree } from "./staged-tree.mjs";
import { releaseFacts, root, run } from "./workspace.mjs";

const TEMPLATES = fileURLToPath(new URL("debian/", import.meta.url));
/** The names of processors in Debian, by those in Node.js. */
const DEBIAN_NAMES = { x64: "amd64", arm64: "arm64" };

/**
 * Writes the package into `folder`. `single` is the path of the single executable. Returns it with the path of the
 * package, and the name of its processor in Debian.
 */
export async function makeDebianPackage(folder, { single, arch, version, seconds }) {
	const tree = mkdtempSync(join(tmpdir(), "sigtool-deb-"));
	try {
		const put = (path, content, mode = 0o644) => {
			mkdirSync(dirname(join(tree, path)), { recursive: true });
			writeFileSync(join(tree, path), content, { mode });
		};
		mkdirSync(join(tree, "usr/bin"), { recursive: true });
		cpSync(single, join(tree, "usr/bin/sigtree"));
		await layOutDocuments(put, { version, seconds });
		put("etc/sigtool/verifier.json.example", template("verifier.json.example"));
		put("DEBIAN/conffiles", "/etc/sigtool/verifier.json.example\n");
		for (const script of ["postinst", "prerm"]) put(`DEBIAN/${script}`, template(script), 0o755);
		const files = listTree(tree).filter(({ path }) => !path.startsWith("DEBIAN"));
		put("DEBIAN/md5sums", md5sums(tree, files));
		const depends = librariesOf(tree, files).join(", ");
		put("DEBIAN/control", control({ arch, version, depends, kibibytes: installedSize(files) }));
		normalizeTree(tree, seconds);
		const file = join(folder, `sigtool_${version}_${DEBIAN_NAMES[arch]}.deb`);
		// One thread compresses, because the number of threads decides into which blocks xz cuts its input, and so the bytes.
		// The default level would take a minute, and make the package a seventh smaller.
		const options = ["--root-owner-group", "-Zxz", "-z1", "--threads-max=1", "--build", tree, file];
		run("dpkg-deb", options, { env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) } });
		return { file, arch: DEBIAN_NAMES[arch], single };
	} finally {
		rmSync(tree, { recursive: true, force: true });
	}
}

async function layOutDocuments(put, { version, seconds }) {
	const commands = await commandTree();
	const packed = (path, text) => put(`${path}.gz`, gzipSync(text, { level: 9 }));
	for (const [name, text] of manPages(commands, version)) packed(`usr/share/man/man1/${name}`, text);
	layOutCompletions(put, commands);
	const documents = "usr/share/doc/sigtool";
	packed(`${documents}/changelog`, changelog(version, seconds));
	for (const name of ["README.md", "CHANGELOG.md", ...pages()]) packed(`${documents}/${name}`, pageText(root, name));
	put(`${documents}/copyright`, copyright());
	put("usr/share/lintian/overrides/sigtool", overrides());
}

/** Lists the pages of the documentation, by their paths in the repository. */
function pages() {
	return readdirSync(join(root, "docs"), { recursive: true })
		.filter((name) => name.endsWith(".md"))
		.map((name) => `docs/${name}`)
		.sort();
}

/**
 * The completions of the name `sigtree` stand where the shells look for them. Those of `sigtool` stand aside: postinst
 * links them where `sigtool` is this package's command.
 */
function layOutCompletions(put, commands) {
	const sigtree = completions(commands, ["sigtree"]);
	const sigtool = completions(commands, ["sigtool"]);
	put("usr/share/bash-completion/completions/sigtree", sigtree.get("sigtool.bash"));
	put("usr/share/zsh/vendor-completions/_sigtree", sigtree.get("_sigtool"));
	put("usr/share/fish/vendor_completions.d/sigtree.fish", sigtree.get("sigtool.fish"));
	for (const name of ["sigtool.bash", "_sigtool", "sigtool.fish"])
		put(`usr/share/sigtool/completions/${name}`, sigtool.get(name));
}

/** Lists what lintian objects to for a reason that stands. */
function overrides() {
	const nobody = releaseFacts().maintainer === null ? template("overrides-without-address") : "";
	return nobody + template("overrides");
}

/** Returns what the programs and libraries in the tree need of Debian's C and C++ libraries. */
function librariesOf(tree, files) {
	const isElf = ({ path, stats }) => stats.isFile() && readFileSync(join(tree, path)).subarray(0, 4).equals(ELF);
	const programs = files.filter(isElf).map(({ path }) => join(tree, path));
	const said = programs.map((file) => run("readelf", ["--wide", "--dynamic", "--version-info", file])).join("");
	const versions = [...said.matchAll(/Name: GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
		Number(major),
		Number(minor),
	]);
	const [newest] = versions.sort((a, b) => b[0] - a[0] || b[1] - a[1]);
	return [
		...(newest === undefined ? [] : [`libc6 (>= ${newest.join(".")})`]),
		...Object.entries(LIBRARIES).flatMap(([name, debian]) => (said.includes(`[${name}]`) ? [debian] : [])),
	];
}

/** The libraries that a release of Node.js may be linked to, and Debian's packages of them. */
const LIBRARIES = { "libatomic.so.1": "libatomic1", "libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6" };

const ELF = Buffer.from("\x7fELF");

function template(name) {
	return readFileSync(join(TEMPLATES, name), "utf8");
}

function control({ arch, version, depends, kibibytes }) {
	const { homepage } = releaseFacts();
	return `Package: sigtool
Version: ${version}
Architecture: ${DEBIAN_NAMES[arch]}
Maintainer: ${maintainer()}
Installed-Size: ${kibibytes}
Depends: ${depends}
Suggests: gcc, libc6-dev
Section: utils
Priority: optional
${homepage === null ? "" : `Homepage: ${homepage}\n`}Description: sign sets of files and say exactly what changed since
 sigtool signs a whole tree of files into one Windows catalog. Later it tells
 exactly which files changed. It can also make Node.js and Python run only
 what was signed.
 .
 The command is sigtree, and sigtool where no other package has that name.
`;
}

/** The placeholder of a project without an address. The domain is one that nobody can own (RFC 2606). */
const NOBODY = "sigtool contributors <nobody@sigtool.invalid>";

function maintainer() {
	return releaseFacts().maintainer ?? NOBODY;
}

/** Counts as dpkg-gencontrol does: each file in whole kibibytes, and one for each directory and link. */
function installedSize(files) {
	return files.reduce((sum, { stats }) => sum + (stats.isFile() ? Math.ceil(stats.size / 1024) : 1), 0);
}

function md5sums(tree, files) {
	return files
		.filter(({ path, stats }) => stats.isFile() && !path.startsWith("etc/"))
		.map(
			({ path }) =>
				`${createHash("md5")
					.update(readFileSync(join(tree, path)))
					.digest("hex")}  ${path}\n`,
		)
		.join("");
}

function changelog(version, seconds) {
	const date = new Date(seconds * 1000).toUTCString().replace("GMT", "+0000");
	return `sigtool (${version}) unstable; urgency=medium\n\n  * CHANGELOG.md.gz has the changes.\n\n -- ${maintainer()}  ${date}\n`;
}

function copyright() {
	const own = readFileSync(join(root, "LICENSE"), "utf8").replace(/^MIT License\n\n/, "");
	const [, holder = ""] = /^Copyright \(c\) (.*)$/m.exec(own) ?? [];
	const text = indented(own.replace(/^Copyright.*\n\n/, ""));
	const bundled = readFileSync(join(root, "packages/cli/dist/third-party-licences.txt"), "utf8");
	return [
		"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: sigtool\n" +
			`Comment: Licences of the packages in the single executable, besides Node.js:\n${indented(bundled)}\n`,
		`Files: *\nCopyright: ${holder}\nLicense: MIT\n`,
		`License: MIT\n${text}\n`,
	].join("\n");
}

function indented(text) {
	return text
		.trimEnd()
		.split("\n")
		.map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`))
		.join("\n");
}
