/** Reads the URLs of --to. */

import { quote } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";

/** A receiver of events, as a URL names it. */
export type Receiver =
	| { readonly kind: "syslog"; readonly transport: "udp" | "tcp" | "tls"; readonly host: string; readonly port: number }
	| { readonly kind: "journal"; readonly path: string }
	| { readonly kind: "otlp"; readonly url: string };

/** Returns the URL without what can be a secret: a user with a password, and what follows the path. */
export function shownReceiver(url: string): string {
	return url.replace(/\/\/[^/?#]*@/, "//…@").replace(/([?#]).+$/s, "$1…");
}

/** @throws ERR_USAGE */
export function parseReceiver(url: string): Receiver {
	if (url === "journald:") return { kind: "journal", path: "/run/systemd/journal/socket" };
	if (url.startsWith("journald:/")) return { kind: "journal", path: url.slice("journald:".length) };
	if (/^otlp\+https?:/.test(url)) return { kind: "otlp", url: otlpUrl(url) };
	const transport = /^syslog\+(udp|tcp|tls):/.exec(url)?.[1];
	if (transport === undefined) throw usageError(`Cannot send to ${quote(shownReceiver(url))}: give --to ${FORMS}`);
	return { kind: "syslog", transport: transport as "udp" | "tcp" | "tls", ...hostAndPort(url) };
}

const FORMS =
	"syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT, syslog+tls://HOST:PORT, journald:, otlp+http://HOST:PORT or otlp+https://HOST:PORT";

function hostAndPort(url: string): { host: string; port: number } {
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	const port = Number(parsed?.port);
	// A path, a query or a password would be ignored.
	if (parsed === undefined || parsed.hostname === "" || port === 0 || parsed.href.split("//")[1] !== parsed.host)
		throw usageError(
			`Cannot send to ${quote(shownReceiver(url))}: give host and port alone, such as syslog+tls://log.example:6514`,
		);
	return { host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"), port };
}

/** Returns the URL of HTTP. A URL without a path gets the usual one. */
function otlpUrl(given: string): string {
	const url = given.slice("otlp+".length);
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (parsed === undefined || parsed.username !== "" || parsed.password !== "" || parsed.hash !== "")
		throw usageError(
			`Cannot send to ${quote(shownReceiver(given))}: give a URL without credentials, such as otlp+https://collector.example:4318; OTEL_EXPORTER_OTLP_HEADERS has headers`,
		);
	if (parsed.pathname === "/") parsed.pathname = "/v1/logs";
	return parsed.href;
}
