/**
 * Brings musl for both processors from Debian's archive into `.cache`. Debian has no cross compiler for musl, but GCC's
 * needs nothing else: musl's headers, its start files and its two libraries. apt-get verifies what it downloads. It keeps
 * its lists apart from those of the machine, which need not know the foreign processor.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const CACHE = fileURLToPath(new URL("../../.cache/musl", import.meta.url));
const DEBIAN_NAMES = { x64: "amd64", arm64: "arm64" };
/** The names of a processor in GCC's triplets and in the names of the loaders. */
export const GCC_NAMES = { x64: "x86_64", arm64: "aarch64" };

/**
 * Returns the paths of a processor's musl: the folder of everything, as if it were `/`, and in it the headers, the
 * libraries and the loader.
 */
export function muslOf(cpu) {
	const root = join(CACHE, cpu);
	if (!existsSync(root)) download(cpu, root);
	const name = GCC_NAMES[cpu];
	return {
		root,
		headers: join(root, `usr/include/${name}-linux-musl`),
		libraries: join(root, `usr/lib/${name}-linux-musl`),
		loader: join(root, `usr/lib/ld-musl-${name}.so.1`),
	};
}

function download(cpu, root) {
	mkdirSync(CACHE, { recursive: true });
	const scratch = mkdtempSync(join(CACHE, "new-"));
	try {
		for (const folder of ["lists/partial", "cache/archives/partial", "root"]) {
			mkdirSync(join(scratch, folder), { recursive: true });
		}
		const debian = DEBIAN_NAMES[cpu];
		// The configuration file comes first, because APT::Architectures may be a list of the machine.
		const conf = join(scratch, "apt.conf");
		writeFileSync(
			conf,
			`APT::Architecture "${debian}";\n#clear APT::Architectures;\nAPT::Architectures { "${debian}"; };\n` +
				`Dir::State::Lists "${join(scratch, "lists")}";\nDir::State::Status "/dev/null";\n` +
				`Dir::Cache "${join(scratch, "cache")}";\nAPT::Sandbox::User "root";\n` +
				'Acquire::Languages "none";\nAcquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";\n',
		);
		const env = { ...process.env, APT_CONFIG: conf };
		run("apt-get", ["-qq", "update"], { env });
		run("apt-get", ["-qq", "download", "musl", "musl-dev"], { env, cwd: scratch });
		for (const file of readdirSync(scratch).filter((name) => name.endsWith(".deb"))) {
			run("dpkg-deb", ["-x", join(scratch, file), join(scratch, "root")]);
		}
		renameSync(join(scratch, "root"), root);
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
}
