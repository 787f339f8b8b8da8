/**
 * Runs programs for Windows under Wine, in a prefix of their own below the temporary directory. A prefix is Wine's
 * drive C: with its registry. Drive Z: is the file system of this machine.
 */

import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeForWindows } from "../../scripts/node-releases.mjs";
import { type ChildProcess, spawn, spawnSync } from "../outside.js";

/** Debian's package wine64 puts no `wine` on the PATH. */
const WINE = "/usr/lib/wine/wine64";
const WINESERVER = "/usr/lib/wine/wineserver64";

export const hasWine = process.arch === "x64" && existsSync(WINE) && existsSync(WINESERVER);

export interface Outcome {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly input?: string;
}

export interface Wine {
	/** A directory of this machine, outside of drive C:. It is removed with the prefix. */
	readonly directory: string;
	/** Runs a program and waits for its end. */
	readonly run: (program: string, args: readonly string[], options?: RunOptions) => Outcome;
	/** Starts a program, whose output goes into files, and resolves with its result. */
	readonly start: (program: string, args: readonly string[], options?: RunOptions) => Promise<Outcome>;
	/** Returns the path on this machine for one on drive C: or Z:. */
	readonly pathOf: (windowsPath: string) => string;
	readonly close: () => Promise<void>;
}

/** Makes a prefix, which takes about 5 seconds and 800 MB until `close` removes it. */
export async function openWine(): Promise<Wine> {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-wine-"));
	const at = (name: string) => join(directory, name);
	const environment = {
		WINEPREFIX: at("prefix"),
		// Wine asks for a download of Mono and Gecko unless a prefix has no .NET and no HTML.
		WINEDLLOVERRIDES: "mscoree,mshtml=",
		WINEDEBUG: "-all",
		XDG_RUNTIME_DIR: directory,
		HOME: directory,
		PATH: "/usr/bin:/bin",
		LANG: "C.UTF-8",
		NO_COLOR: "1",
	};
	mkdirSync(at("prefix"));
	// In the foreground the server is a child of this process, so its process id is known.
	const server = spawn(WINESERVER, ["--foreground", "--persistent"], { env: environment, stdio: "ignore" });
	let count = 0;

	/**
	 * The standard streams are files, because libuv for Windows takes a pipe of Linux for a named pipe of Windows, and
	 * cannot open it.
	 */
	function streams({ input = "" }: RunOptions) {
		const [inFile, outFile, errFile] = ["in", "out", "err"].map((name) => at(`${count}.${name}`));
		count++;
		writeFileSync(inFile, input);
		const descriptors = [openSync(inFile, "r"), openSync(outFile, "w"), openSync(errFile, "w")];
		const outcome = (status: number | null): Outcome => {
			for (const descriptor of descriptors) closeSync(descriptor);
			const [stdout, stderr] = [outFile, errFile].map((file) => readFileSync(file, "utf8"));
			for (const file of [inFile, outFile, errFile]) rmSync(file);
			return { status, stdout, stderr };
		};
		return { descriptors, outcome };
	}

	const run: Wine["run"] = (program, args, options = {}) => {
		const { descriptors, outcome } = streams(options);
		const env = { ...environment, ...options.env };
		const { status } = spawnSync(WINE, [program, ...args], { cwd: options.cwd ?? directory, env, stdio: descriptors });
		return outcome(status);
	};
	const start: Wine["start"] = (program, args, options = {}) => {
		const { descriptors, outcome } = streams(options);
		const env = { ...environment, ...options.env };
		const child = spawn(WINE, [program, ...args], { cwd: options.cwd ?? directory, env, stdio: descriptors });
		return new Promise((resolve, reject) => {
			child.on("error", reject);
			child.on("exit", (status) => resolve(outcome(status)));
		});
	};
	const pathOf = (path: string) => {
		const drive = path.startsWith("Z:") ? "" : at("prefix/drive_c");
		return drive + path.slice("C:".length).replaceAll("\\", "/");
	};
	const close = async () => {
		// At SIGINT the server first ends the processes of the prefix. At SIGTERM it leaves those of Wine's services.
		await ended(server, () => server.kill("SIGINT"));
		rmSync(directory, { recursive: true, force: true });
	};
	const { status, stderr } = run("cmd.exe", ["/c", "exit", "7"]);
	if (status === 7) return { directory, run, start, pathOf, close };
	await close();
	throw new Error(`Cannot start Wine: it ended with ${status}: ${stderr}`);
}

function ended(child: ChildProcess, end: () => void): Promise<void> {
	return new Promise((resolve) => {
		if (child.exitCode !== null || child.signalCode !== null) resolve();
		child.on("exit", () => resolve());
		end();
	});
}

/** Returns the path that a program for Windows knows for an absolute path of this machine. */
export function windowsPath(path: string): string {
	return `Z:${path.replaceAll("/", "\\")}`;
}

export interface WindowsNode {
	readonly release: string;
	readonly program: string;
}

/** Fetches a Node.js for Windows, or takes the one that was fetched before. */
export function windowsNode(release: string): WindowsNode {
	return { release, program: nodeForWindows(release) };
}
