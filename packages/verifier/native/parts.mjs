/** Lists the sources and the compiler's flags of the launcher, the addon and the gate. Sources are relative to this folder. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the sources. */
export const NATIVE = fileURLToPath(new URL(".", import.meta.url));

export const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"];

/**
 * The launcher is static, so the dynamic loader cannot change it. It is also position-independent, so that its addresses
 * differ at each start.
 */
export const PARTS = {
	"sigtool-launch": {
		sources: [
			...room("launch"),
			...room("collector"),
			...shared("call-filter", "complain", "elf-object", "environment", "event-line", "hex", "json"),
			...shared("exit-status", "key-lines", "lockdown", "members", "owned-file", "schema", "sha256"),
			...shared("start-facts", "utf8", "value-forms", "event-channel"),
			...["shared/mode.h", "trust/event-file.c", "trust/event-file.h"],
		],
		flags: ["-static-pie", "-fPIE", "-Wl,-z,relro,-z,now", "-s"],
	},
	// The gate calls the libcrypto of the Node.js that it is loaded into, so it is not linked with one. It needs the headers
	// of OpenSSL.
	"gate.so": {
		sources: [
			...room("gate"),
			...room("libraries"),
			...room("trust"),
			...shared("complain", "elf-object", "environment", "event-channel", "event-line", "exit-status"),
			...shared(
				"file-rules",
				"find-record",
				"fixed-memory",
				"following-thread",
				"glob",
				"hex",
				"json",
				"linked-libraries",
				"members",
				"opened-path",
				"owned-file",
				"schema",
				"sha256",
				"start-facts",
				"syslog",
				"utf8",
				"value-forms",
			),
			...["shared/mode.h", "shared/system-call.h"],
		],
		flags: ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread", "-Wl,-z,relro,-z,now"],
	},
	"addon.node": {
		sources: [
			...room("addon"),
			...shared("call-filter", "digest-file", "event-channel", "find-record", "fixed-memory", "following-thread"),
			...shared("json", "kernel-check", "lockdown", "opened-path", "owned-file", "syslog", "utf8"),
		],
		flags: ["-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-z,relro,-z,now"],
	},
};

function room(name) {
	return readdirSync(join(NATIVE, name))
		.filter((file) => /\.[ch]$/.test(file))
		.sort()
		.map((file) => join(name, file));
}

/** Returns a source and its header for each name. */
function shared(...names) {
	return names.flatMap((name) => [`shared/${name}.c`, `shared/${name}.h`]);
}
