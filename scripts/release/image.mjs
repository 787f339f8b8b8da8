/**
 * Makes a container image as an OCI image layout, without a container engine: plain files and their digests. The image
 * has the single executable, the libraries that it is linked to, and CA certificates. It has no shell and no package
 * manager. https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */

import { createHash } from "node:crypto";
import {
	chmodSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { rootCertificates } from "node:tls";
import { gzipSync } from "node:zlib";
import { normalizeTree } from "./staged-tree.mjs";
import { releaseFacts, run } from "./workspace.mjs";

const USER = "65532";
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

/**
 * Writes the layout into `folder`. `executable` must be for the processor of this machine, because its libraries are
 * taken from this machine. Returns the digest of the image's manifest, and the Debian packages that the libraries are
 * from.
 */
export function makeImage(folder, { executable, arch, version, commit, seconds }) {
	const libraries = linkedLibraries(executable);
	const packages = owningPackages(libraries);
	const layers = [
		layer(seconds, (tree) => layOutBase(tree, libraries, packages)),
		layer(seconds, (tree) => layOutProgram(tree, executable)),
		// The user of the image makes an identity and keeps pins here.
		layer(seconds, (tree) => mkdirSync(join(tree, "home/nonroot"), { recursive: true }), USER),
	];
	const blobs = join(folder, "blobs/sha256");
	mkdirSync(blobs, { recursive: true });
	const put = (bytes, mediaType) => {
		const digest = createHash("sha256").update(bytes).digest("hex");
		writeFileSync(join(blobs, digest), bytes);
		return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
	};
	const json = (value) => Buffer.from(JSON.stringify(value));
	const manifest = {
		schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: put(
			json(configuration(layers, { arch, version, commit, seconds })),
			"application/vnd.oci.image.config.v1+json",
		),
		layers: layers.map(({ bytes }) => put(bytes, "application/vnd.oci.image.layer.v1.tar+gzip")),
	};
	const described = put(json(manifest), manifest.mediaType);
	const platform = { architecture: ARCHITECTURES[arch], os: "linux" };
	const index = {
		schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json",
		manifests: [{ ...described, platform, annotations: { "org.opencontainers.image.ref.name": version } }],
	};
	writeFileSync(join(folder, "index.json"), json(index));
	writeFileSync(join(folder, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
	return { digest: described.digest, libraries: packages, executable };
}

function configuration(layers, { arch, version, commit, seconds }) {
	const { repository, homepage } = releaseFacts();
	const label = (name, value) => (value === null ? [] : [[`org.opencontainers.image.${name}`, value]]);
	return {
		created: new Date(seconds * 1000).toISOString(),
		architecture: ARCHITECTURES[arch],
		os: "linux",
		config: {
			User: `${USER}:${USER}`,
			Env: ["PATH=/usr/bin", "HOME=/home/nonroot", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
			Entrypoint: ["/usr/bin/sigtool"],
			WorkingDir: "/work",
			Labels: Object.fromEntries([
				...label("title", "sigtool"),
				...label("version", version),
				...label("revision", commit),
				...label("licenses", "MIT"),
				...label("source", repository),
				...label("url", homepage),
			]),
		},
		rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
		history: layers.map(() => ({ created: new Date(seconds * 1000).toISOString(), created_by: "pnpm release" })),
	};
}

/**
 * Stages a tree of which `owner` owns everything, and returns it as a compressed archive with the digest of the archive
 * before compression.
 */
function layer(seconds, layOut, owner = "0") {
	const tree = mkdtempSync(join(tmpdir(), "sigtool-layer-"));
	try {
		layOut(tree);
		normalizeTree(tree, seconds);
		if (existsSync(join(tree, "tmp"))) chmodSync(join(tree, "tmp"), 0o1777);
		const options = [
			"--sort=name",
			`--owner=${owner}`,
			`--group=${owner}`,
			"--numeric-owner",
			`--mtime=@${seconds}`,
			"--format=ustar",
		];
		const archive = run("tar", ["-C", tree, ...options, "-cf", "-", "."], { encoding: "buffer" });
		const diffId = `sha256:${createHash("sha256").update(archive).digest("hex")}`;
		return { bytes: gzipSync(archive, { level: 6 }), diffId };
	} finally {
		rmSync(tree, { recursive: true, force: true });
	}
}

function layOutBase(tree, libraries, packages) {
	const put = (path, text) => {
		mkdirSync(dirname(join(tree, path)), { recursive: true });
		writeFileSync(join(tree, path), text);
	};
	put("etc/passwd", `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${USER}:${USER}::/home/nonroot:/sbin/nologin\n`);
	put("etc/group", `root:x:0:\nnonroot:x:${USER}:\n`);
	put("etc/nsswitch.conf", "hosts: files dns\n");
	// The list is Mozilla's, as this release of Node.js has it. So the builder's own additions stay out.
	put("etc/ssl/certs/ca-certificates.crt", `${rootCertificates.join("\n")}\n`);
	for (const directory of ["tmp", "work", "home"]) mkdirSync(join(tree, directory), { recursive: true });
	for (const path of libraries) {
		mkdirSync(dirname(join(tree, path)), { recursive: true });
		cpSync(realpathSync(path), join(tree, path));
	}
	for (const { name } of packages) {
		const licence = `usr/share/doc/${name}/copyright`;
		mkdirSync(dirname(join(tree, licence)), { recursive: true });
		cpSync(realpathSync(`/${licence}`), join(tree, licence));
	}
}

function layOutProgram(tree, executable) {
	mkdirSync(join(tree, "usr/bin"), { recursive: true });
	cpSync(executable, join(tree, "usr/bin/sigtree"));
	symlinkSync("sigtree", join(tree, "usr/bin/sigtool"));
}

/** Returns the paths of the libraries and of the loader that `ldd` names. */
function linkedLibraries(executable) {
	return [...new Set(run("ldd", [executable]).match(/\/\S+/g) ?? [])]
		.filter((path) => !path.endsWith(basename(executable)))
		.sort();
}

function owningPackages(libraries) {
	const owners = libraries.map((path) => {
		// dpkg knows a file of /usr/lib by the name that its package gave it, which may be in /lib.
		const places = [realpathSync(path), realpathSync(path).replace(/^\/usr/, "")];
		for (const place of places) {
			try {
				return run("dpkg-query", ["-S", place]).split(": ")[0];
			} catch {
				// The other name follows.
			}
		}
		throw new Error(`Cannot tell which Debian package ${path} is from`);
	});
	return [...new Set(owners)].sort().map((owner) => {
		const field = (name) => run("dpkg-query", ["-W", "-f", `\${${name}}`, owner]);
		return { name: field("Package"), version: field("Version"), arch: field("Architecture") };
	});
}
