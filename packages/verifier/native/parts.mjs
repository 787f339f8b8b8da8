/** Lists the sources and the compiler's flags of the launcher, the addon and the gate. Sources are relative to this folder. */

import { NATIVE, sourcesOf } from "./sources.mjs";

export { NATIVE };

export const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"];

/**
 * The launcher is static, so the dynamic loader cannot change it. It is also position-independent, so that its addresses
 * differ at each start.
 */
export const PARTS = {
	"sigtool-launch": {
		sources: sourcesOf("launch", "collector"),
		flags: ["-static-pie", "-fPIE", "-Wl,-z,relro,-z,now", "-s"],
	},
	// The gate calls the libcrypto of the Node.js that it is loaded into, so it is not linked with one. It needs the headers
	// of OpenSSL.
	"gate.so": {
		sources: sourcesOf("gate", "libraries", "trust"),
		flags: ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread", "-DSIGTOOL_SEALS", "-Wl,-z,relro,-z,now"],
	},
	"addon.node": {
		sources: sourcesOf("addon"),
		flags: ["-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-z,relro,-z,now"],
	},
};
