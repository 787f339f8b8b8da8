/** Which URLs are asked, and by which proxy. */

import { quote, SigtoolError } from "../errors.js";

/** An address for `exchange`: http or https, without name and password, which would show in lists of processes. @throws ERR_USAGE */
export function parseHttpUrl(text: string): URL {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url === undefined || !/^https?:$/.test(url.protocol)) {
		throw new SigtoolError("ERR_USAGE", `Cannot use ${quote(text)}: it is no http or https URL`);
	}
	if (url.username === "" && url.password === "") return url;
	throw new SigtoolError("ERR_USAGE", `Cannot use the URL of ${quote(url.host)}: it holds a user name or a password`);
}

/**
 * The proxy a request goes through, by the variables other programs take: `http_proxy`, `https_proxy`, `no_proxy`, and the
 * latter two in capitals. Not `HTTP_PROXY`: a web server hands that name to its programs with what a client sent. Undefined:
 * straight to the server. @throws ERR_CONFIG for a proxy that is none, or spoken to by another protocol */
export function proxyFor(url: URL, environment: NodeJS.ProcessEnv = process.env): URL | undefined {
	const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
	const value = environment[name] ?? (name === "https_proxy" ? environment.HTTPS_PROXY : undefined) ?? "";
	if (value === "" || isExcepted(url, environment.no_proxy ?? environment.NO_PROXY ?? "")) return undefined;
	const text = value.includes("://") ? value : `http://${value}`;
	const proxy = URL.canParse(text) ? new URL(text) : undefined;
	if (proxy?.protocol === "http:") return proxy;
	// The value may hold a password.
	throw new SigtoolError("ERR_CONFIG", `Cannot use the proxy in ${quote(name)}: give it as http://host:port`);
}

/** `Basic …` for a proxy whose address has a name and a password. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
	if (username === "") return undefined;
	const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
	return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** A list by commas or spaces: `*`, hosts with all below them (a dot in front changes nothing), each with or without a port. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
	const actualPort = port || (protocol === "https:" ? "443" : "80");
	return list
		.toLowerCase()
		.split(/[\s,]+/)
		.some((item) => {
			if (item === "*") return true;
			const [, host, onlyPort] = /^\.?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(item) ?? [];
			if (host === undefined || (onlyPort !== undefined && onlyPort !== actualPort)) return false;
			return hostname === host || hostname.endsWith(`.${host}`);
		});
}
