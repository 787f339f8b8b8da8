/**
 * Raises an event when a program opens, reads or writes a file, connects a socket, looks up a host name, or sets or
 * deletes an environment variable. Audit hooks may refuse these actions. Some functions that do the same, such as
 * `fs.copyFile()`, `dns.resolve()` and the internal bindings of Node.js, raise no event.
 */

import type { EventDetail } from "../../audit/events.js";
import type { Monitor } from "../../monitor/monitor.js";
import { apply, ProxyObject, toText } from "../../safe/captured.js";
import { forEachName, guard } from "../../safe/replace.js";

/** Watches `node:fs` and `node:fs/promises`. */
export function watchFiles(monitor: Monitor, fs: object): void {
	// The type assertion is safe: node:fs always exports the object `promises`.
	const { promises } = fs as { readonly promises: object };
	const watch = (args: readonly unknown[], usualFlags: string) => {
		const [path, options] = [args[0], args[1]];
		const flags = typeof options === "string" || typeof options === "number" ? toText(options) : usualFlags;
		monitor.rule("fs.open", { path: textOf(path), flags }, "allow");
	};
	watchModule(fs);
	watchModule(promises);

	function watchModule(module: object): void {
		forEachName(["open", "openSync"], (name) => guard(module, name, (args) => watch(args, "r")));
		// The second argument of these functions has options or the content, but no flags. So only the path is passed
		// on.
		forEachName(["readFile", "readFileSync"], (name) => guard(module, name, (args) => watch([args[0]], "r")));
		forEachName(["writeFile", "writeFileSync"], (name) => guard(module, name, (args) => watch([args[0]], "w")));
		forEachName(["appendFile", "appendFileSync"], (name) => guard(module, name, (args) => watch([args[0]], "a")));
	}
}

/** Watches `node:net`, which node:http, node:https and node:tls use. */
export function watchSockets(monitor: Monitor, net: object): void {
	// The type assertion is safe: node:net always exports the class Socket.
	const { Socket } = net as { readonly Socket: { readonly prototype: object } };
	guard(Socket.prototype, "connect", (args) => monitor.rule("net.connect", destinationOf(args), "allow"));
}

/** Watches `node:dns` and `node:dns/promises`. */
export function watchNames(monitor: Monitor, dns: object): void {
	// The type assertion is safe: node:dns always exports the object `promises`.
	const { promises } = dns as { readonly promises: object };
	const watch = (args: readonly unknown[]) => monitor.rule("dns.lookup", { host: textOf(args[0]) }, "allow");
	guard(dns, "lookup", watch);
	guard(promises, "lookup", watch);
}

/** Watches writes to `process.env`. Reading a variable raises no event, and no event contains a value. */
export function watchEnvironment(monitor: Monitor): void {
	const watch = (name: unknown, operation: string) =>
		monitor.rule("process.env", { name: toText(name), operation }, "allow");
	const { defineProperty, deleteProperty, set } = Reflect;
	process.env = new ProxyObject(process.env, {
		// The handler has no prototype, because a program could add traps to Object.prototype.
		__proto__: null,
		set(env: object, name: string, value: unknown) {
			watch(name, "set");
			return apply(set, undefined, [env, name, value]);
		},
		deleteProperty(env: object, name: string) {
			watch(name, "delete");
			return apply(deleteProperty, undefined, [env, name]);
		},
		defineProperty(env: object, name: string, descriptor: PropertyDescriptor) {
			watch(name, "set");
			return apply(defineProperty, undefined, [env, name, descriptor]);
		},
	} as ProxyHandler<NodeJS.ProcessEnv>);
}

/**
 * Reads the arguments of `socket.connect`: options, a port and a host, or a path. net.connect() passes these arguments
 * as one array.
 */
function destinationOf(args: readonly unknown[]): EventDetail<"net.connect"> {
	const first = args[0];
	const given = typeof first === "object" && first !== null && 0 in first ? (first as { 0: unknown })[0] : first;
	if (typeof given === "object" && given !== null) {
		const { host, port, path } = given as { host?: unknown; port?: unknown; path?: unknown };
		return { host: textOf(host), port: textOf(port), path: textOf(path) };
	}
	const isPort = typeof given === "number" || (typeof given === "string" && given !== "" && +given >= 0);
	return isPort ? { port: textOf(given), host: textOf(args[1]) } : { path: textOf(given) };
}

/**
 * Converts a path, host or port to text. Returns undefined for a missing value, and for a function, which is a
 * callback.
 */
function textOf(value: unknown): string | undefined {
	return value === undefined || value === null || typeof value === "function" ? undefined : toText(value);
}
