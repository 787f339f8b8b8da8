/** Checks the URLs of requests and chooses the proxy for each request. */

import { isIPv6 } from "node:net";
import { quote, SigtoolError } from "../errors.js";

/**
 * Parses an http or https URL. Refuses a URL with a user name or a password, because other users of the machine could
 * read such a URL in the list of processes.
 * @throws ERR_USAGE
 */
export function parseHttpUrl(text: string): URL {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url === undefined || !/^https?:$/.test(url.protocol)) {
		throw new SigtoolError("ERR_USAGE", `Cannot use ${quote(text)}: it is not an http or https URL`);
	}
	if (url.username === "" && url.password === "") return url;
	throw new SigtoolError("ERR_USAGE", `Cannot use the URL of ${quote(url.host)}: it holds a user name or a password`);
}

/**
 * Returns the proxy for a request, or undefined if the request goes directly to the server. Reads the usual environment
 * variables `http_proxy`, `https_proxy`, `no_proxy`, `HTTPS_PROXY` and `NO_PROXY`; a lower-case name comes first. Does
 * not read `HTTP_PROXY`, because a web server sets this variable for its CGI programs from a header (`Proxy`) that any
 * client can send.
 * @throws ERR_CONFIG for a proxy whose URL is malformed or not http, or whose user name or password cannot be decoded
 */
export function proxyFor(url: URL, environment: NodeJS.ProcessEnv = process.env): URL | undefined {
	const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
	const value = environment[name] ?? (name === "https_proxy" ? environment.HTTPS_PROXY : undefined) ?? "";
	if (value === "" || isExcepted(url, environment.no_proxy ?? environment.NO_PROXY ?? "")) return undefined;
	const text = value.includes("://") ? value : `http://${value}`;
	const proxy = URL.canParse(text) ? new URL(text) : undefined;
	// The value is not shown, because it may contain a password.
	if (proxy?.protocol !== "http:") throw badProxy(name, "give it as http://host:port");
	if (!isDecodable(proxy)) {
		throw badProxy(name, "its user name and password must be percent-encoded, in which a % itself is written as %25");
	}
	return proxy;
}

function badProxy(name: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_CONFIG", `Cannot use the proxy in ${quote(name)}: ${reason}`);
}

/** Returns true if user name and password decode from percent-encoding to UTF-8. */
function isDecodable({ username, password }: URL): boolean {
	try {
		decodeURIComponent(username);
		decodeURIComponent(password);
		return true;
	} catch {
		return false;
	}
}

/**
 * Returns the value of the header `proxy-authorization` (`Basic …`) for a URL of `proxyFor`. Returns undefined for a
 * URL without a user name.
 */
export function proxyAuthorization({ username, password }: URL): string | undefined {
	if (username === "") return undefined;
	const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
	return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/**
 * Returns true if the list says that the URL is requested without the proxy. Commas or white space separate the items
 * of the list. An item is `*`, or a host with or without a port. A host also stands for its subdomains, and a dot
 * before the host changes nothing. An IPv6 address without a port may be written without brackets.
 */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
	const actualPort = port || (protocol === "https:" ? "443" : "80");
	return list
		.toLowerCase()
		.split(/[\s,]+/)
		.some((item) => {
			if (item === "*") return true;
			const [, host, onlyPort] = isIPv6(item) ? [item, `[${item}]`] : (EXCEPTION.exec(item) ?? []);
			if (host === undefined || (onlyPort !== undefined && onlyPort !== actualPort)) return false;
			return hostname === inUrlForm(host) || hostname.endsWith(`.${host}`);
		});
}

/**
 * Returns a bracketed IPv6 address in the form in which `URL` writes this address, because one address has many forms.
 * Returns any other host unchanged.
 */
function inUrlForm(host: string): string {
	const text = `http://${host}`;
	return host.startsWith("[") && URL.canParse(text) ? new URL(text).hostname : host;
}

const EXCEPTION = /^\.?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/;
