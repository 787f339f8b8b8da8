/**
 * The public API for programs that load plugins, templates, rules or migrations. A program gets a file's content only if
 * a trusted signer signed exactly these bytes under the file's path. This module does not hook how Node.js loads modules:
 * `register` does that.
 *
 * The types here refer to no type of @sigtool/core, because core is bundled and users need not install it.
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nativePart } from "@sigtool/core/internal/read";
import { certificatesFromPem, defaultTrust, SigtoolError, trustFromCertificates } from "@sigtool/core/read";
import type { AuditHook } from "./audit/audit.js";
import { evidenceOf } from "./catalog-index.js";
import type { CatalogSource } from "./catalog-source.js";
import {
	configurationOf,
	findHostConfiguration,
	type HostConfiguration,
	readHostConfiguration,
} from "./host/config.js";
import { createMonitor, monitorOver, readIndex } from "./monitor/create-monitor.js";
import { loadKernelAddon } from "./monitor/kernel-addon.js";
import type { Capability, KernelAddon } from "./monitor/kernel-check.js";
import { evidenceFacts } from "./monitor/start-facts.js";
import type { Verdict } from "./monitor/verdict.js";
import { released } from "./safe/primordials.js";

export interface VerifierOptions {
	/** Path or bytes of a trust index (`sigtool compile`). Default without `catalogs`: the index that the host configuration names. */
	readonly index?: string | Uint8Array;
	/** Signed directories to use instead of an index. */
	readonly catalogs?: readonly CatalogSource[];
	/** Path of the host configuration. Default: `/etc/sigtool/verifier.json`, or this user's trust store if that is absent. */
	readonly config?: string;
	/** Certificates in PEM, of authorities or of signers, to use instead of a host configuration. */
	readonly trust?: string;
	/** A stricter mode than the configured one; a weaker one is refused. Without a configuration the index's policy sets the mode. */
	readonly mode?: "off" | "audit" | "enforce" | "strict";
	/** `exit` ends the process with status 126. Default: as the host configuration says, else `throw`. */
	readonly onRefusal?: "throw" | "exit";
	/** `allow` trusts this user's development identity and configuration files. Default `refuse`. */
	readonly development?: "refuse" | "allow";
}

export type { CatalogSource };

export interface Verifier {
	readonly mode: "off" | "audit" | "enforce" | "strict";
	/**
	 * Returns exactly the bytes that were hashed and that are signed under the file's path, in memory that is not shared.
	 * @throws Error with `code` ERR_UNTRUSTED_CODE, whose `cause.code` says why; ERR_AUDIT_HOOK; ERR_AUDIT_SINK; the system's own
	 */
	openCodeSync(path: string): Uint8Array;
	/** Does what `openCodeSync` does, and reads the content asynchronously. */
	openCode(path: string): Promise<Uint8Array>;
	/** Returns the verdict for `bytes` at an absolute path without links. It reads no file and raises no event. */
	decide(path: string, bytes: Uint8Array): Verdict;
	/** Adds a hook that sees every decision before it takes effect and refuses by throwing. A hook cannot be removed. */
	addAuditHook(hook: AuditHook): void;
	/** Lists by name what `openCode` enforces on this host and what it does not. */
	capabilities(): readonly Capability[];
}

/**
 * @throws Error with a `code` of docs/reference/errors.md if configuration, index, catalogs or trust cannot be used
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { createVerifier } from "@sigtool/verifier";
 *
 * const trust = readFileSync("release.crt", "utf8");
 * const verifier = createVerifier({ catalogs: [{ directory: "lib", product: "lib" }], trust });
 * console.log(verifier.openCodeSync("lib/main.js").length); // 21
 * ```
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
	const { index, catalogs, mode, onRefusal, development = "refuse" } = options;
	if (index !== undefined && catalogs !== undefined) {
		throw new SigtoolError("ERR_USAGE", "Cannot call createVerifier(): give either an index or catalogs");
	}
	const configuration = configurationFor(options);
	const common = {
		configuration,
		mode,
		onRefusal,
		development,
		addon: ownAddon(),
	};
	const monitor =
		catalogs === undefined
			? createMonitor({ ...common, index })
			: monitorOver(common, () => evidenceOf(catalogs, configuration.trust, development));
	return {
		mode: monitor.mode,
		openCodeSync: (path) => released(monitor.openCodeSync(textOf(path), "data").bytes),
		openCode: async (path) => released((await monitor.openCode(textOf(path), "data")).bytes),
		decide: monitor.decide,
		addAuditHook: monitor.audit.addHook,
		capabilities: () => monitor.capabilities,
	};
}

/** The fields of the event `verifier.start` about the index and its signer. docs/reference/events.md explains them. */
export interface EvidenceFacts {
	readonly index: string | undefined;
	readonly compiled: number | undefined;
	readonly notAfter: string | undefined;
	readonly signer: string | undefined;
	readonly signerNotAfter: string | undefined;
	readonly products: string;
}

export interface HostOptions extends Pick<VerifierOptions, "index" | "config" | "development"> {
	/** The path of the native addon. Default: beside this package, which is not where a bundle has it. */
	readonly addon?: string | undefined;
}

/**
 * Returns the mode in which a runtime on this host would start, or throws what keeps it from starting. No event is
 * raised, because this user may have no right to write to the event log.
 * @throws the errors of `createVerifier`
 */
export function verifyHost({ index, config, development, addon }: HostOptions): {
	readonly mode: Verifier["mode"];
	/** Tells which index and signer were verified, in the words of the event `verifier.start`. Undefined in mode off. */
	readonly facts: EvidenceFacts | undefined;
	/** The ruling of the policy about child processes. */
	readonly children: "refuse" | "audit" | "allow" | "exit";
	/** Returns the verdict about a file as it is now. @throws the system's own errors */
	readonly examine: (path: string) => Verdict;
} {
	const configuration = {
		...configurationFor({ config, development }),
		audit: { jsonLines: undefined, collector: true, stderr: undefined, syslog: false },
	};
	const options = {
		configuration,
		index,
		development,
		addon: addon === undefined ? ownAddon() : loadKernelAddon(addon),
	};
	let facts: EvidenceFacts | undefined;
	const { mode, policy, examine } = monitorOver(options, (state) => {
		const evidence = readIndex(options, state);
		facts = evidenceFacts(evidence);
		return evidence;
	});
	return { mode, facts, children: policy.runtime.children, examine };
}

/** Refuses Buffers and URLs, which a caller could change between the check and the use. */
function textOf(path: unknown): string {
	if (typeof path === "string") return path;
	throw new TypeError("A path must be a string");
}

function ownAddon(): KernelAddon | undefined {
	const here = fileURLToPath(import.meta.url);
	return loadKernelAddon(nativePart("addon.node", here, join(dirname(here), "native")));
}

/** Returns the configuration of the `trust` option, else the host configuration, else this user's trust store. */
function configurationFor({ config, trust, development }: VerifierOptions): HostConfiguration {
	if (trust !== undefined) {
		if (config !== undefined) {
			throw new SigtoolError("ERR_USAGE", "Cannot call createVerifier(): give either trust or a configuration");
		}
		return configurationOf(trustFromCertificates(certificatesFromPem(trust)));
	}
	if (config !== undefined) return readHostConfiguration({ development, file: config });
	return findHostConfiguration({ development }) ?? configurationOf(defaultTrust());
}
