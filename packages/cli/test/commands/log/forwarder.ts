/** Runs `log forward` for tests, and receives what it sends. */

import { writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { onTestFinished } from "vitest";
import { type ChildProcess, execFileSync, spawn } from "../../../../../test/outside.js";
import { MAIN } from "../../support.js";

export interface Forwarder {
	readonly child: ChildProcess;
	readonly output: () => { readonly stdout: string; readonly stderr: string };
	/** Sends SIGTERM, and returns the exit status. */
	readonly end: () => Promise<number | null>;
}

export function startForwarder(args: readonly string[], env: Readonly<Record<string, string>> = {}): Forwarder {
	const child = spawn(process.execPath, [MAIN, "log", "forward", ...args], {
		env: { ...process.env, NO_COLOR: "1", no_proxy: "*", ...env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	const said = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const) {
		child[name].on("data", (data) => {
			said[name] += data;
		});
	}
	const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
	return {
		child,
		output: () => said,
		end: () => {
			child.kill("SIGTERM");
			return ended;
		},
	};
}

export async function until(isDone: () => boolean, say: () => string, limitMs = 120_000): Promise<void> {
	for (const end = Date.now() + limitMs; !isDone(); ) {
		if (Date.now() > end) throw new Error(`it did not happen: ${say()}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

export interface Receiver {
	readonly port: number;
	/** The messages that have arrived. */
	readonly messages: string[];
	/** Waits until this many messages have arrived. */
	readonly arrived: (number: number) => Promise<void>;
	readonly sockets: Set<Socket>;
	readonly close: () => Promise<void>;
}

/** Receives messages with their lengths before them, over TCP or TLS. */
export async function startReceiver({
	tls,
	port = 0,
	idleMs,
}: {
	readonly tls?: TlsOptions;
	readonly port?: number;
	/** After this time without data a connection is closed. */
	readonly idleMs?: number;
} = {}): Promise<Receiver> {
	const messages: string[] = [];
	const sockets = new Set<Socket>();
	const take = (socket: Socket) => {
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
		socket.on("error", () => {});
		if (idleMs !== undefined) socket.setTimeout(idleMs, () => void socket.end());
		let rest = Buffer.alloc(0);
		socket.on("data", (data: Buffer) => {
			rest = Buffer.concat([rest, data]);
			for (;;) {
				const space = rest.indexOf(" ");
				const size = Number(rest.toString("latin1", 0, space));
				if (space === -1 || rest.length < space + 1 + size) return;
				messages.push(rest.toString("utf8", space + 1, space + 1 + size));
				rest = rest.subarray(space + 1 + size);
			}
		});
	};
	const server: Server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
	await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
	const address = server.address();
	const arrived = (number: number) =>
		until(
			() => messages.length >= number,
			() => `${messages.length} of ${number}: ${messages.join("\n")}`,
		);
	const close = async () => {
		for (const socket of sockets) socket.resetAndDestroy();
		await new Promise((resolve) => server.close(resolve));
	};
	onTestFinished(() => void close());
	const bound = typeof address === "object" && address !== null ? address.port : 0;
	return { port: bound, messages, arrived, sockets, close };
}

/** Returns the lines of messages: what follows the structured data. */
export function linesOf(messages: readonly string[]): string[] {
	return messages.map((message) => message.slice(message.indexOf("{")));
}

/** Makes a root, and certificates of a server for `localhost`, of another server, and of a client. */
export function makeTlsFiles(directory: string, { server = "server" }: { server?: string } = {}) {
	const at = (name: string) => join(directory, name);
	const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
	const newKey = (name: string) => [
		"-newkey",
		"ec",
		"-pkeyopt",
		"ec_paramgen_curve:P-256",
		"-nodes",
		"-keyout",
		at(`${name}.key`),
	];
	openssl("req", "-new", "-x509", "-days", "10", "-subj", "/CN=Log Root", "-out", at("ca.pem"), ...newKey("ca"));
	for (const [name, extension] of [
		[server, "subjectAltName=DNS:localhost"],
		["other", "subjectAltName=DNS:other.example"],
		["client", "subjectAltName=DNS:web1.example"],
	] as const) {
		openssl("req", "-new", "-subj", `/CN=${name}`, "-out", at(`${name}.csr`), ...newKey(name));
		writeFileSync(at(`${name}.ext`), `${extension}\nextendedKeyUsage=serverAuth,clientAuth\n`);
		openssl(
			...["x509", "-req", "-in", at(`${name}.csr`), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"],
			...["-days", "10", "-extfile", at(`${name}.ext`), "-out", at(`${name}.pem`)],
		);
	}
	return { at };
}
