/**
 * Contains the only HTTP client of this package. It sends single requests to servers that a user or a certificate
 * named. Time, size, redirects and attempts have limits. The client verifies nothing in an answer.
 */

import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect } from "node:tls";
import { errnoReason, isErrnoException, quote, SigtoolError } from "../errors.js";
import { throwIfAborted } from "./abort.js";
import { parseHttpUrl, proxyAuthorization, proxyFor } from "./http-url.js";

export interface HttpRequest {
	/** An http or https URL without credentials, which `parseHttpUrl` accepts. */
	readonly url: string;
	/** The body of a POST request. Without a body the request is a GET. */
	readonly body?: Uint8Array;
	readonly headers?: Readonly<Record<string, string>>;
	/** The largest size of the answer's body in bytes. A larger body is an ERR_LIMIT. */
	readonly maxBytes: number;
	/** The time limit of one attempt in milliseconds, including its redirects. The default is 15,000. */
	readonly timeoutMs?: number;
	/** Ends the request early, also between two attempts. */
	readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
	/**
	 * The HTTP status of the answer. It is never 408, 429 or 5xx, because after such a status `exchange` makes another
	 * attempt or throws.
	 */
	readonly status: number;
	/**
	 * The media type in lower case, without parameters, for example `application/ocsp-response`. It is empty if the
	 * server sent none.
	 */
	readonly contentType: string;
	readonly body: Buffer;
}

const TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 3;
const ATTEMPTS = 3;
/** The pause in milliseconds before the second attempt. Each further pause is twice as long. */
const BACKOFF_MS = 500;

/**
 * Sends a request and returns the answer. Makes up to three attempts if the connection fails or the status is 408, 429
 * or 5xx. Makes no further attempt after a timeout.
 * @throws ERR_NETWORK, with the URL in the message; ERR_LIMIT if the body is too large; ERR_USAGE for an unusable URL;
 * ERR_CONFIG for an unusable proxy; AbortError
 */
export async function exchange(request: HttpRequest): Promise<HttpResponse> {
	const url = parseHttpUrl(request.url);
	const { timeoutMs = TIMEOUT_MS } = request;
	for (let attempt = 1; ; attempt++) {
		throwIfAborted(request.signal);
		const timeout = AbortSignal.timeout(timeoutMs);
		const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
		try {
			return await followRedirects(url, request, signal);
		} catch (error) {
			throwIfAborted(request.signal);
			if (timeout.aborted) throw refusal(url, `there was no answer within ${timeoutMs / 1000} s`, error);
			const failure = error instanceof SigtoolError ? error : connectionFailure(url, error);
			if (!(failure instanceof TemporaryFailure) || attempt === ATTEMPTS) throw failure;
		}
		await pause(BACKOFF_MS * 2 ** (attempt - 1), request.signal);
	}
}

/** Waits for this time in milliseconds, or until the signal is aborted. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
	return new Promise((resolve) => {
		const end = () => {
			clearTimeout(timer);
			signal?.removeEventListener("abort", end);
			resolve();
		};
		const timer = setTimeout(end, milliseconds);
		signal?.addEventListener("abort", end);
	});
}

/** A failure after which another attempt may succeed. */
class TemporaryFailure extends SigtoolError {}

/**
 * Sends the request and follows up to three redirects. A POST is either sent unchanged to the next URL (307, 308), or
 * not sent again; then the answer with the redirect status is the result (RFC 9110 §15.4.2). Refuses a redirect from
 * https to http, and one to a URL with a user name or a password.
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

/**
 * Sends the request, through a proxy if one is configured for the URL. If the connection through a proxy fails, the
 * error names the proxy.
 */
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

/** Opens a tunnel to the server of `url` through the proxy, by the method CONNECT. RFC 9110 §9.3.6. */
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
 * Rejects the promise if the connection closes before an answer arrives. A server that switches protocols (status 101)
 * causes neither the event `response` nor `error`. Without this rejection, Node.js would have nothing left to wait for
 * and would end with exit status 0, as if sigtool had succeeded.
 */
function endsUnanswered(request: ClientRequest, reject: (error: Error) => void): void {
	request.once("close", () => reject(new Error("the connection ended without an answer")));
}

/**
 * Returns the proxy's address without its user name and password. Node.js would put them into the header
 * `authorization`, which is for the server and not for the proxy.
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

/**
 * Makes the error for a failed connection. If there is a proxy, the message has its host and port, but not its user
 * name and password.
 */
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

/**
 * The statuses of redirects that are followed, each with the requests for which it is followed: `any`, or only `get`.
 */
const REDIRECTS: ReadonlyMap<number, "any" | "get"> = new Map([
	[301, "get"],
	[302, "get"],
	[303, "get"],
	[307, "any"],
	[308, "any"],
]);
