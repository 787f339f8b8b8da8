/**
 * Contains the only HTTP client, which sends single requests to servers that a user or a certificate named. Time,
 * size, redirects and attempts are bounded. The answers are unverified.
 */

import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect } from "node:tls";
import { errnoReason, isErrnoException, quote, SigtoolError } from "../errors.js";
import { parseHttpUrl, proxyAuthorization, proxyFor } from "./http-url.js";

export interface HttpRequest {
	/** An http or https URL without credentials, which `parseHttpUrl` accepts. */
	readonly url: string;
	/** The body of a POST request. Without a body the request is a GET. */
	readonly body?: Uint8Array;
	readonly headers?: Readonly<Record<string, string>>;
	/** The maximum size of the answer's body in bytes. */
	readonly maxBytes: number;
	/** The time limit of one attempt, redirects included. The default is 15 s. */
	readonly timeoutMs?: number;
}

export interface HttpResponse {
	/**
	 * The status of the answer. It is never 408, 429 or 5xx: after these, `exchange` makes another attempt or throws.
	 */
	readonly status: number;
	/** The media type in lower case, without parameters. It is empty if the server sends none. */
	readonly contentType: string;
	readonly body: Buffer;
}

const TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 3;
const ATTEMPTS = 3;
/** The pause before the second attempt. Each further pause is twice as long. */
const BACKOFF_MS = 500;

/**
 * Sends a request. Makes up to three attempts if the connection fails or the status is 408, 429 or 5xx. After a
 * timeout it makes no further attempt.
 * @throws ERR_NETWORK naming the URL; ERR_LIMIT if the answer is too large; ERR_USAGE for the URL; ERR_CONFIG for the
 * proxy
 */
export async function exchange(request: HttpRequest): Promise<HttpResponse> {
	const url = parseHttpUrl(request.url);
	const { timeoutMs = TIMEOUT_MS } = request;
	for (let attempt = 1; ; attempt++) {
		const signal = AbortSignal.timeout(timeoutMs);
		try {
			return await followRedirects(url, request, signal);
		} catch (error) {
			if (signal.aborted) throw refusal(url, `there was no answer within ${timeoutMs / 1000} s`, error);
			const failure = error instanceof SigtoolError ? error : connectionFailure(url, error);
			if (!(failure instanceof TemporaryFailure) || attempt === ATTEMPTS) throw failure;
		}
		await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * 2 ** (attempt - 1)));
	}
}

/** A failure after which another attempt may succeed. */
class TemporaryFailure extends SigtoolError {}

/**
 * Follows redirects. A POST is sent again unchanged or not at all. If it is not sent again, the redirect is the answer
 * (RFC 9110 §15.4.2). Refuses a redirect from https to http.
 */
async function followRedirects(from: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
	let url = from;
	for (let redirects = 0; ; redirects++) {
		const response = await send(url, request, signal);
		const { statusCode: status = 0, headers } = response;
		if (status === 408 || status === 429 || status >= 500) {
			response.destroy();
			throw new TemporaryFailure(
				"ERR_NETWORK",
				`Cannot use ${quote(url.href)}: the server answered with status ${status}`,
			);
		}
		const { location } = headers;
		const followed = REDIRECTS.get(status);
		if (location === undefined || !(followed === "any" || (followed === "get" && request.body === undefined))) {
			const contentType = (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
			return { status, contentType, body: await bodyOf(response, url, request.maxBytes) };
		}
		response.destroy();
		if (redirects === MAX_REDIRECTS) throw refusal(url, `it redirects more than ${MAX_REDIRECTS} times`);
		const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
		if (next === undefined || (next.protocol !== url.protocol && next.protocol !== "https:")) {
			throw refusal(url, `it redirects to ${quote(location)}`);
		}
		if (next.username !== "" || next.password !== "") {
			throw refusal(url, "it redirects to a URL with a user name or a password");
		}
		url = next;
	}
}

/** Sends the request, through a proxy if there is one for the URL. A failed connection then names the proxy. */
async function send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
	const proxy = proxyFor(url);
	try {
		return await sendThrough(proxy, url, request, signal);
	} catch (error) {
		if (proxy === undefined || error instanceof SigtoolError) throw error;
		throw connectionFailure(url, error, proxy);
	}
}

async function sendThrough(
	proxy: URL | undefined,
	url: URL,
	{ body, headers }: HttpRequest,
	signal: AbortSignal,
): Promise<IncomingMessage> {
	const options: RequestOptions = {
		method: body === undefined ? "GET" : "POST",
		headers: { "user-agent": "sigtool", ...headers, ...(body !== undefined && { "content-length": body.length }) },
		agent: false, // A connection that is kept alive would keep the process from ending.
		signal,
	};
	if (proxy === undefined) return answerTo((url.protocol === "http:" ? requestHttp : requestHttps)(url, options), body);
	if (url.protocol === "http:") {
		// A request to a proxy contains the whole URL (RFC 9112 §3.2.2).
		const headers = { ...options.headers, host: url.host, ...authorization(proxy) };
		const path = `${url.origin}${url.pathname}${url.search}`;
		return answerTo(requestHttp({ ...options, ...addressOf(proxy), path, headers }), body);
	}
	const socket = await tunnelTo(url, proxy, signal);
	const servername = isIP(bareHost(url)) === 0 ? url.hostname : "";
	const createConnection = () => connect({ socket, servername, host: bareHost(url) });
	return answerTo(requestHttps(url, { ...options, agent: undefined, createConnection }), body);
}

function answerTo(request: ClientRequest, body: Uint8Array | undefined): Promise<IncomingMessage> {
	return new Promise((resolve, reject) => {
		request.once("response", resolve);
		request.on("error", reject);
		endsUnanswered(request, reject);
		request.end(body);
	});
}

/** Opens a tunnel to the server through the proxy, with CONNECT. RFC 9110 §9.3.6. */
function tunnelTo(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
	const path = `${url.hostname}:${url.port || 443}`;
	const headers = { host: path, ...authorization(proxy) };
	const request = requestHttp({ ...addressOf(proxy), method: "CONNECT", path, headers, agent: false, signal });
	return new Promise((resolve, reject) => {
		request.once("connect", ({ statusCode }, socket, first) => {
			if (statusCode === 200 && first.length === 0) return resolve(socket);
			socket.destroy();
			reject(refusal(url, `the proxy ${quote(proxy.host)} answered with status ${statusCode}`));
		});
		request.once("response", (response) => {
			response.destroy();
			reject(refusal(url, `the proxy ${quote(proxy.host)} answered with status ${response.statusCode}`));
		});
		request.on("error", reject);
		endsUnanswered(request, reject);
		request.end();
	});
}

/**
 * Rejects if the connection closes before an answer. A server that switches protocols (101) causes neither `response`
 * nor `error`. The process would then have nothing left to wait for, and would end as if it had succeeded.
 */
function endsUnanswered(request: ClientRequest, reject: (error: Error) => void): void {
	request.once("close", () => reject(new Error("the connection ended without an answer")));
}

/**
 * Returns the proxy's address without user name and password, because Node.js would send them as if they were for the
 * server.
 */
function addressOf(proxy: URL): { host: string; port: string | number } {
	return { host: bareHost(proxy), port: proxy.port || 80 };
}

function authorization(proxy: URL): Readonly<Record<string, string>> {
	const value = proxyAuthorization(proxy);
	return value === undefined ? {} : { "proxy-authorization": value };
}

async function bodyOf(response: IncomingMessage, url: URL, maxBytes: number): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of response as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > maxBytes) {
			throw new SigtoolError("ERR_LIMIT", `Cannot use ${quote(url.href)}: the answer is larger than ${maxBytes} bytes`);
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

/** Makes an error that names the proxy, if there is one, by host and port. Its password is never shown. */
function connectionFailure(url: URL, error: unknown, proxy?: URL): SigtoolError {
	const way = proxy === undefined ? "" : ` through the proxy ${quote(`${proxy.hostname}:${proxy.port || 80}`)}`;
	const reason = isErrnoException(error) ? errnoReason(error) : error instanceof Error ? error.message : String(error);
	return new TemporaryFailure("ERR_NETWORK", `Cannot use ${quote(url.href)}${way}: ${reason}`, { cause: error });
}

function refusal(url: URL, reason: string, cause?: unknown): SigtoolError {
	return new SigtoolError("ERR_NETWORK", `Cannot use ${quote(url.href)}: ${reason}`, { cause });
}

/** Returns the host of the URL, without the brackets of an IPv6 address. */
function bareHost({ hostname }: URL): string {
	return hostname.replace(/^\[|\]$/g, "");
}

/** The statuses of redirects that are followed: for any request, or for GET alone. */
const REDIRECTS: ReadonlyMap<number, "any" | "get"> = new Map([
	[301, "get"],
	[302, "get"],
	[303, "get"],
	[307, "any"],
	[308, "any"],
]);
