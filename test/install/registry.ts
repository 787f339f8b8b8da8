/**
 * Serves packed packages on the loopback device as the npm registry does, so that clients choose among the prebuilt parts
 * by the platform, write lock files and install again from these.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execFileSync } from "../outside.js";

interface Manifest {
	readonly name: string;
	readonly version: string;
}

export interface Registry {
	readonly url: string;
	close(): void;
}

/** Clients hold back releases that are younger than a day or more. */
const PUBLISHED = "2020-01-01T00:00:00.000Z";

/** Serves the tarballs in `directory`. */
export async function startRegistry(directory: string): Promise<Registry> {
	const tarballs = new Map(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file))] as const));
	const manifests = [...tarballs.keys()].map((file) => ({ file, manifest: manifestOf(join(directory, file)) }));
	const server = createServer(({ url = "" }, response) => {
		const path = decodeURIComponent(url.slice(1));
		const tarball = tarballs.get(path);
		const known = manifests.filter(({ manifest }) => manifest.name === path);
		if (tarball !== undefined) response.end(tarball);
		else if (known.length > 0) {
			response.setHeader("content-type", "application/json");
			response.end(JSON.stringify(documentOf(path, known, tarballs, urlOf(server))));
		} else {
			response.statusCode = 404;
			response.end("{}");
		}
	});
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	return { url: urlOf(server), close: () => server.close() };
}

function urlOf(server: Server): string {
	const { port } = server.address() as AddressInfo; // A server that listens on a port has an address of this type.
	return `http://127.0.0.1:${port}/`;
}

function manifestOf(tarball: string): Manifest {
	return JSON.parse(execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" })) as Manifest;
}

function documentOf(
	name: string,
	releases: readonly { readonly file: string; readonly manifest: Manifest }[],
	tarballs: ReadonlyMap<string, Buffer>,
	url: string,
): object {
	const versions = releases.map(({ file, manifest }) => {
		const digest = createHash("sha512").update(tarballs.get(file) ?? "");
		const dist = { tarball: `${url}${file}`, integrity: `sha512-${digest.digest("base64")}` };
		return [manifest.version, { ...manifest, _id: `${name}@${manifest.version}`, dist }] as const;
	});
	const [latest] = versions.at(-1) ?? [];
	const time = Object.fromEntries(
		["created", "modified", ...versions.map(([version]) => version)].map((when) => [when, PUBLISHED]),
	);
	return { _id: name, name, "dist-tags": { latest }, versions: Object.fromEntries(versions), time };
}
