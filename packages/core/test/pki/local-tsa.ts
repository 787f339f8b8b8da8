/** Runs a timestamping authority on loopback: a server that calls `openssl ts` and may misbehave. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { execFileSync } from "../../../../test/outside.js";
import { parseSignedData } from "../../dist/pki/cms.js";
import { CODE_SIGNER, type Issued, needsOpenssl, type Workshop } from "./openssl.js";

export const TIME_STAMPER = CODE_SIGNER.map((line) =>
	line.startsWith("extendedKeyUsage") ? "extendedKeyUsage=critical,timeStamping" : line,
);

export interface Exchange {
	readonly request: IncomingMessage;
	readonly query: Buffer;
	readonly response: ServerResponse;
}

export interface LocalServer {
	readonly url: string;
	/** The requests received so far. */
	readonly requests: IncomingMessage[];
	readonly close: () => Promise<void>;
}

/** Starts a server that calls `answer` for each POST. An error of `answer` becomes status 500. */
export async function serve(answer: (exchange: Exchange) => void): Promise<LocalServer> {
	const requests: IncomingMessage[] = [];
	const server = createServer((request, response) => {
		requests.push(request);
		const chunks: Buffer[] = [];
		request.on("data", (chunk) => chunks.push(chunk));
		request.on("end", () => {
			try {
				answer({ request, query: Buffer.concat(chunks), response });
			} catch (error) {
				response.writeHead(500).end(String(error));
			}
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`,
		requests,
		close: () => {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(() => resolve()));
		},
	};
}

/** Starts an authority that answers each query with a token. Skips the test without openssl. */
export function serveTokens(authority: Issued, workshop: Workshop): Promise<LocalServer> {
	needsOpenssl();
	return serve(({ query, response }) => sendReply(response, replyTo(query, authority, workshop)));
}

/** Makes a TimeStampResp to a query. */
export function replyTo(query: Uint8Array, authority: Issued, workshop: Workshop, essDigest = "sha256"): Buffer {
	return runOpensslTs(query, authority, workshop, essDigest, []);
}

export function sendReply(response: ServerResponse, reply: Uint8Array): void {
	response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(reply);
}

/**
 * Makes a TimeStampResp whose token is signed by the certificate `forger`, which may be of any kind. `openssl ts`
 * itself signs only with a certificate whose sole purpose is timestamping. `authority` makes the TSTInfo.
 */
export function forgedReply(query: Uint8Array, authority: Issued, forger: Issued, workshop: Workshop): Buffer {
	const token = runOpensslTs(query, authority, workshop, "sha256", ["-token_out"]);
	const { contentValue } = parseSignedData(token, "token");
	if (contentValue === undefined) throw new Error("no TSTInfo");
	const forged = workshop.openssl(
		...["cms", "-sign", "-binary", "-nodetach", "-econtent_type", "id-smime-ct-TSTInfo", "-cades", "-outform", "DER"],
		...[
			"-in",
			workshop.write("tst-info", contentValue),
			"-signer",
			forger.file,
			"-inkey",
			forger.keyFile,
			"-md",
			"sha256",
		],
	);
	const status = Buffer.from("3003020100", "hex");
	const header = Buffer.from([0x30, 0x82, 0, 0]);
	header.writeUInt16BE(status.length + forged.length, 2);
	return Buffer.concat([header, status, forged]);
}

function runOpensslTs(
	query: Uint8Array,
	{ file, keyFile }: Issued,
	{ directory, write }: Workshop,
	essDigest: string,
	more: readonly string[],
): Buffer {
	const lines = [
		...["[tsa]", `serial=${write("serial", "01")}`, "default_policy=1.2.3.4"],
		...["digests=sha1,sha256,sha512,sha3-256", "signer_digest=sha256", `ess_cert_id_alg=${essDigest}`],
	];
	return execFileSync(
		"openssl",
		[
			...["ts", "-reply", "-config", write("ts.cnf", lines.join("\n")), "-section", "tsa"],
			...["-queryfile", write("query.tsq", query), "-signer", file, "-inkey", keyFile, ...more],
		],
		{ cwd: directory, stdio: ["ignore", "pipe", "pipe"] },
	);
}
