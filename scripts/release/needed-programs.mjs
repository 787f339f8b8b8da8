/** Looks for the programs that make a release, before minutes of building. */

import { has } from "./workspace.mjs";

/** The programs without which a release cannot be made, or would lack a part, with Debian's packages of them. */
const NEEDED = {
	git: "git",
	"aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
	"x86_64-linux-gnu-gcc": "gcc",
	"qemu-aarch64": "qemu-user",
	readelf: "binutils",
	tar: "tar",
	xz: "xz-utils",
	"dpkg-deb": "dpkg",
};

/** @throws Error that names all programs that are missing */
export function requirePrograms() {
	const missing = Object.keys(NEEDED).filter((program) => !has(program));
	if (missing.length === 0) return;
	const packages = [...new Set(missing.map((program) => NEEDED[program]))].join(" ");
	throw new Error(
		`Cannot release: ${missing.join(", ")} not found; \`apt-get install ${packages}\`, and see docs/how-to/release.md for all that is needed`,
	);
}
