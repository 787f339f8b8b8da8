/**
 * Makes the folder in which the examples of the libraries run: trees, keys, catalogs and indexes under the names that the
 * examples use, and a trust store that trusts the release key.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasSoftToken, makeSoftToken, PIN } from "../../packages/cli/test/soft-token.js";
import { runner } from "../../packages/cli/test/support.js";
import { type LocalServer, serveTokens, TIME_STAMPER } from "../../packages/core/test/pki/local-tsa.js";
import { AUTHORITY, openWorkshop } from "../../packages/core/test/pki/openssl.js";
import { execFileSync } from "../outside.js";

export const workspace = fileURLToPath(new URL("../..", import.meta.url));

export interface World {
	/** A project that has our packages installed, and a folder `world` with everything that an example needs. */
	readonly project: string;
	readonly env: Readonly<Record<string, string>>;
	/** The address at which a timestamping authority answers. */
	readonly timestampUrl: string;
	readonly remove: () => Promise<void>;
}

/** Tells if the outside programs are there that make lists, timestamps and a token. */
export const canMakeWorld = hasSoftToken;

/** The content of `lib` and `src`. The examples show its size. */
const MAIN = 'console.log("hello")\n';
const SIGN = "#!/bin/sh\nexec openssl dgst -sha256 -sign release.key\n";

export async function makeWorld(): Promise<World> {
	const project = mkdtempSync(join(tmpdir(), "sigtool-library-"));
	try {
		return await makeWorldIn(project);
	} catch (error) {
		rmSync(project, { recursive: true });
		throw error;
	}
}

async function makeWorldIn(project: string): Promise<World> {
	const world = join(project, "world");
	const at = (name: string) => join(world, name);
	for (const tree of ["lib", "src"]) {
		write(at(`${tree}/main.js`), MAIN);
		write(at(`${tree}/util/greet.js`), "exports.greet = () => {};\n");
	}
	install(project);
	const run = runner(world);
	const sigtool = (...args: string[]) => {
		const { status, stderr } = run(args, { cwd: world });
		if (status !== 0) throw new Error(`sigtool ${args.join(" ")}: ${stderr}`);
	};
	const key = ["--key", "release.key", "--cert", "release.crt"];
	const identity = (name: string, file: string) => at(`config/sigtool/identities/${name}/${file}`);
	sigtool("identity", "new", "ca", "--ca", "--key-type", "p256");
	sigtool("identity", "new", "release", "--issued-by", "ca", "--key-type", "p256");
	cpSync(identity("release", "key.pem"), at("release.key"));
	cpSync(identity("release", "certificate.pem"), at("release.crt"));
	cpSync(identity("ca", "certificate.pem"), at("ca.crt"));
	write(at("passphrase"), "secret\n");
	sigtool("identity", "export", "release", "--to-p12", "release.p12", "--passphrase-file", "passphrase");
	sigtool("sign", "lib", ...key);
	// The file of an identity has the certificates of its issuers too, and only one can be pinned.
	const [leaf] = readFileSync(at("release.crt"), "utf8").split(/(?<=-----END CERTIFICATE-----\n)/);
	write(at("signer.crt"), leaf);
	sigtool("trust", "add", "signer.crt");
	sigtool("sign", "src", "--unsigned", "-o", "unsigned.cat");
	sigtool("compile", "lib", "-o", "app.sigx", ...key);
	sigtool("compile", "lib", "-o", "unsigned.sigx", "--unsigned");
	write(at("policy.json"), '{ "version": 1, "mode": "audit" }\n');
	writeFileSync(at("sign.sh"), SIGN, { mode: 0o755 });
	makeRevocationList(at("ca.crl"), identity("ca", "key.pem"), at("ca.crt"));
	rmSync(at("config/sigtool/identities/development"), { recursive: true, force: true });
	const token = makeSoftToken(join(project, "token"));
	token.importKey(at("release.key"), { label: "key", id: "01" });
	const server = await startAuthority(at("tsa.crt"));
	return {
		project,
		env: { ...token.env, PIN, NO_COLOR: "1" },
		timestampUrl: server.url,
		async remove() {
			await server.close();
			rmSync(project, { recursive: true });
		},
	};
}

function write(file: string, text: string): void {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, text);
}

/** Puts our packages into the project, as a package manager does, and the types of Node.js. */
function install(project: string): void {
	for (const name of ["@sigtool/core", "@sigtool/verifier"]) {
		const place = join(project, "node_modules", name);
		mkdirSync(dirname(place), { recursive: true });
		symlinkSync(join(workspace, "packages", name.slice("@sigtool/".length)), place);
	}
	mkdirSync(join(project, "node_modules/@types"));
	symlinkSync(join(workspace, "node_modules/@types/node"), join(project, "node_modules/@types/node"));
	write(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
}

/** Writes a list that revokes nothing. */
function makeRevocationList(file: string, keyFile: string, certFile: string): void {
	const folder = mkdtempSync(join(tmpdir(), "sigtool-crl-"));
	const lines = ["[ca]", "default_ca=d", "[d]", `database=${join(folder, "index")}`, "default_md=sha256"];
	write(join(folder, "ca.cnf"), `${lines.join("\n")}\n`);
	write(join(folder, "index"), "");
	const common = ["ca", "-gencrl", "-config", join(folder, "ca.cnf"), "-crldays", "30", "-batch"];
	execFileSync("openssl", [...common, "-keyfile", keyFile, "-cert", certFile, "-out", file], { stdio: "pipe" });
	rmSync(folder, { recursive: true });
}

/** Starts a timestamping authority on loopback, and writes the certificate that vouches for it. */
async function startAuthority(certFile: string): Promise<LocalServer> {
	const workshop = openWorkshop();
	const root = workshop.issue({ subject: "/CN=Time root", extensions: AUTHORITY, key: "p256" });
	const authority = workshop.issue({ subject: "/CN=Time stamps", issuer: root, extensions: TIME_STAMPER, key: "p256" });
	cpSync(root.file, certFile);
	const server = await serveTokens(authority, workshop);
	return {
		...server,
		async close() {
			await server.close();
			if (existsSync(workshop.directory)) workshop.remove();
		},
	};
}
