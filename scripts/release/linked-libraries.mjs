/** Lists the C libraries that the launchers are linked with. A launcher is static, so it has a part of one inside. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { muslOf } from "../native/musl.mjs";
import { run } from "./workspace.mjs";

/** Returns the component of the C library in a package of native parts, or none for another package. */
export function linkedLibraries({ cpu: [processor] = [], libc: [library] = [] }) {
	if (processor === undefined) return [];
	return [library === "musl" ? musl(processor) : glibc(processor)];
}

function glibc(processor) {
	const name = processor === process.arch ? "libc6-dev" : `libc6-dev-${processor}-cross`;
	const version = run("dpkg-query", ["--show", name]).trim().split("\t")[1];
	return component(name, name, version, "LGPL-2.1-or-later");
}

function musl(processor) {
	const changes = gunzipSync(readFileSync(join(muslOf(processor).root, "usr/share/doc/musl-dev/changelog.Debian.gz")));
	const [, version] = /^musl \(([^)]+)\)/.exec(changes.toString()) ?? [];
	if (version === undefined) throw new Error("Cannot tell the release of musl: its list of changes has another form");
	return component(`musl-dev (${processor})`, "musl-dev", version, "MIT");
}

function component(name, debian, version, licence) {
	const purl = `pkg:deb/debian/${debian}@${encodeURIComponent(version)}`;
	return { name, version, licence, purl, contains: [], needs: [] };
}
