/** Runs `log forward` for tests, and receives what it sends. */

import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { onTestFinished } from "vitest";
import { type ChildProcess, spawn } from "../../../../../test/outside.js";
import { AUTHORITY, makeCertificate, newPrivateKey } from "../../../../core/test/pki/make-certificate.js";
import { daysFromNow, MAIN, writeKeyAndCertificate } from "../../support.js";

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
	const key = newPrivateKey("p256");
	const root = makeCertificate({ subject: "/CN=Log Root", key, extensions: AUTHORITY, ...daysFromNow(10) });
	writeKeyAndCertificate(at("ca"), key, root);
	for (const [name, host] of [
		[server, "localhost"],
		["other", "other.example"],
		["client", "web1.example"],
	]) {
		const own = newPrivateKey("p256");
		const certificate = makeCertificate({
			subject: `/CN=${name}`,
			key: own,
			issuer: { certificate: root, key },
			extensions: [`subjectAltName=DNS:${host}`, "extendedKeyUsage=serverAuth,clientAuth"],
			...daysFromNow(10),
		});
		writeKeyAndCertificate(at(name), own, certificate);
	}
	return { at };
}
