/**
 * What a program does beside running code, as events that hooks may refuse: files, sockets, names, variables. Seen as far
 * as well-behaved code goes; inner bindings of Node.js get past it.
 */

import type { EventDetail } from "../../audit/events.js";
import type { Gate } from "../../gate/gate.js";
import { apply, ProxyObject, toText } from "../../safe/captured.js";
import { forEachName, guard } from "../../safe/replace.js";

/** `node:fs`, and its promises. */
export function watchFiles(gate: Gate, fs: object): void {
	const { promises } = fs as { readonly promises: object }; // Node.js's own module.
	const watch = (args: readonly unknown[], usualFlags: string) => {
		const [path, options] = [args[0], args[1]];
		const flags = typeof options === "string" || typeof options === "number" ? toText(options) : usualFlags;
		gate.rule("fs.open", { path: textOf(path), flags }, "allow");
	};
	watchModule(fs);
	watchModule(promises);

	function watchModule(module: object): void {
		forEachName(["open", "openSync"], (name) => guard(module, name, (args) => watch(args, "r")));
		// The second argument is an encoding, or the content.
		forEachName(["readFile", "readFileSync"], (name) => guard(module, name, (args) => watch([args[0]], "r")));
		forEachName(["writeFile", "writeFileSync"], (name) => guard(module, name, (args) => watch([args[0]], "w")));
		forEachName(["appendFile", "appendFileSync"], (name) => guard(module, name, (args) => watch([args[0]], "a")));
	}
}

/** `node:net`, on which http, https and tls stand. */
export function watchSockets(gate: Gate, net: object): void {
	const { Socket } = net as { readonly Socket: { readonly prototype: object } }; // Node.js's own class.
	guard(Socket.prototype, "connect", (args) => gate.rule("net.connect", destinationOf(args), "allow"));
}

/** `node:dns`, and its promises. */
export function watchNames(gate: Gate, dns: object): void {
	const { promises } = dns as { readonly promises: object }; // Node.js's own module.
	const watch = (args: readonly unknown[]) => gate.rule("dns.lookup", { host: textOf(args[0]) }, "allow");
	guard(dns, "lookup", watch);
	guard(promises, "lookup", watch);
}

/** Writes to `process.env`; reading is no event, and no value is recorded. */
export function watchEnvironment(gate: Gate): void {
	const watch = (name: unknown, operation: string) =>
		gate.rule("process.env", { name: toText(name), operation }, "allow");
	const { defineProperty, deleteProperty, set } = Reflect;
	process.env = new ProxyObject(process.env, {
		// A handler with a prototype would take traps from whoever writes to Object.prototype.
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

/** As `socket.connect` takes it: options, a port and a host, or a path; net.connect passes them as a list. */
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

/** Paths are text, URLs or octets; what else there is Node.js refuses. */
function textOf(value: unknown): string | undefined {
	return value === undefined || value === null || typeof value === "function" ? undefined : toText(value);
}
