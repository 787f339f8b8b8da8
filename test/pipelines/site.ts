/** The page with the snippets, a project, a key, and a server with the program, which the tests of pipelines share. */

import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import {
	daysFromNow,
	makeSelfSigned,
	type SelfSigned,
	writeKeyAndCertificate,
} from "../../packages/cli/test/support.js";
import { makeCertificate, newPrivateKey } from "../../packages/core/test/pki/make-certificate.js";
import { spawn } from "../outside.js";
import { temporaryDirectory } from "../temporary.js";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The command under test. As in the tests of the command line, the variable can name the single file. */
const { SIGTOOL_TEST_PROGRAM } = process.env;
const COMMAND = SIGTOOL_TEST_PROGRAM ?? `${process.execPath}' '${join(ROOT, "packages/cli/dist/main.cjs")}`;
/** The directories that have to be there where the command runs. */
export const PROGRAM_PLACES = [ROOT, dirname(process.execPath), dirname(SIGTOOL_TEST_PROGRAM ?? process.execPath)];
const PAGE = readFileSync(join(ROOT, "docs/how-to/pipelines.md"), "utf8");

/** Returns the snippets of a language below a heading of the page. @throws Error if there are none */
export function snippets(heading: string, language: string): string[] {
	const [, section = ""] = PAGE.split(`\n## ${heading}\n`);
	const [own = ""] = section.split("\n## ");
	const found = [...own.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
	const texts = found.filter(([, each]) => each === language).map(([, , text = ""]) => text);
	if (texts.length === 0) throw new Error(`The page has no ${language} below ${heading}`);
	return texts;
}

export interface Outcome {
	readonly status: number | null;
	/** Everything that was printed, in the order of its arrival. */
	readonly log: string;
}

/** Runs a program without blocking this process, which may serve it. */
export function run(
	command: string,
	args: readonly string[],
	{ cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Outcome> {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
		let log = "";
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text: string) => {
				log += text;
			});
		}
		child.on("error", reject);
		child.on("close", (status) => resolve({ status, log }));
	});
}

/** A machine of a pipeline: a home and a directory for temporary files, and nothing of the user who runs the test. */
export interface Machine {
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
}

/** Makes a machine. With `installed`, sigtool is in its PATH. */
export function makeMachine({ installed }: { readonly installed: boolean }): Machine {
	const home = temporaryDirectory();
	const programs = join(home, "programs");
	mkdirSync(programs);
	if (installed) writeProgram(join(programs, "sigtool"));
	const { PATH, LANG } = process.env;
	const env = {
		PATH: [programs, PATH].join(delimiter),
		LANG,
		HOME: home,
		XDG_CONFIG_HOME: join(home, "config"),
		CI: "true",
		NO_UPDATE_NOTIFIER: "1",
		npm_config_update_notifier: "false",
		npm_config_offline: "true",
	};
	return { home, env };
}

/** Writes a program that is sigtool, in the place of the single file. */
export function writeProgram(file: string): void {
	writeFileSync(file, `#!/bin/sh\nexec '${COMMAND}' "$@"\n`);
	chmodSync(file, 0o755);
}

export interface Project {
	readonly folder: string;
	readonly key: SelfSigned;
}

/** Makes a project that builds `dist` from `src`, with the certificate of a key that is outside of it. */
export function makeProject(machine: Machine): Project {
	const folder = join(machine.home, "project");
	mkdirSync(join(folder, "src/bin"), { recursive: true });
	const key = makeSelfSigned(join(machine.home, "release"));
	cpSync(key.certFile, join(folder, "release.crt"));
	writeFileSync(join(folder, "src/main.js"), "console.log('app');\n");
	writeFileSync(join(folder, "src/bin/run"), "#!/bin/sh\n", { mode: 0o755 });
	const manifest = { name: "app", version: "1.0.0", scripts: { build: "cp -R src dist" } };
	const lock = {
		name: "app",
		version: "1.0.0",
		lockfileVersion: 3,
		packages: { "": { name: "app", version: "1.0.0" } },
	};
	writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
	writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
	return { folder, key };
}

export function sha256(file: string): string {
	return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/**
 * Serves a file at https://downloads.example/NAME for curl on this machine, which trusts the server and finds it on the
 * loopback interface.
 */
export async function serveProgram(machine: Machine, file: string): Promise<void> {
	const [place, key] = [join(machine.home, "downloads.example"), newPrivateKey("p256")];
	const extensions = ["basicConstraints=critical,CA:TRUE", "subjectAltName=DNS:downloads.example"];
	writeKeyAndCertificate(
		place,
		key,
		makeCertificate({ subject: "/CN=downloads.example", key, extensions, ...daysFromNow(2) }),
	);
	const server = createServer(
		{ key: readFileSync(`${place}.key`), cert: readFileSync(`${place}.pem`) },
		(_request, response) => {
			response.end(readFileSync(file));
		},
	);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	writeFileSync(
		join(machine.home, ".curlrc"),
		`connect-to = downloads.example:443:127.0.0.1:${port}\ncacert = ${place}.pem\nnoproxy = *\n`,
	);
}
