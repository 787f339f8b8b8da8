/**
 * For a program that loads plugins, templates, rules or migrations: files are handed out only as the bytes a trusted
 * signer signed under their name. What it does not do: hook the runtime's own loading, which `register` does.
 *
 * Every type a program sees here is complete in itself: packages this one is made from need not be installed.
 */

import { fileURLToPath } from "node:url";
import { certificatesFromPem, defaultTrust, quote, trustFromCertificates } from "@sigtool/core/read";
import type { AuditHook } from "./audit/audit.js";
import { evidenceOf } from "./catalog-index.js";
import {
	configurationOf,
	findHostConfiguration,
	type HostConfiguration,
	MODES,
	readHostConfiguration,
} from "./config.js";
import { createGate, gateOver } from "./create-gate.js";
import { loadKernelAddon } from "./kernel-addon.js";
import type { Capability, KernelAddon } from "./kernel-check.js";
import { keysOf } from "./primordials.js";
import type { Verdict } from "./verdict.js";

export interface VerifierOptions {
	/** File or octets of a trust index (`sigtool compile`). Absent, without `catalogs`: the one the host configuration names. */
	readonly index?: string | Uint8Array;
	/** Signed directories, in place of an index. */
	readonly catalogs?: readonly CatalogSource[];
	/** Host configuration; by default `/etc/sigtool/verifier.json`. Where that does not exist, this user's trust store counts. */
	readonly config?: string;
	/** Certificates in PEM, of authorities or of signers themselves, in place of a configuration. */
	readonly trust?: string;
	/** Makes the configured mode stricter, never weaker. Without a configuration: the index's policy's. */
	readonly mode?: "off" | "audit" | "enforce" | "strict";
	/** `exit` ends the process with status 126. Default: the host's, else `throw`. */
	readonly onRefusal?: "throw" | "exit";
	/** `allow`: what this user's development identity signed counts, and configuration files of his own. Default `refuse`. */
	readonly development?: "refuse" | "allow";
}

export interface CatalogSource {
	readonly directory: string;
	/** Product the catalog must be of. */
	readonly product?: string;
	/** Catalog files; the directory's own `<dir>/<name>.cat` when absent. */
	readonly files?: readonly string[];
}

export interface Verifier {
	readonly mode: "off" | "audit" | "enforce" | "strict";
	/**
	 * Exactly the bytes that were hashed and found to be what was signed under the file's name, in memory of their own.
	 * @throws Error with `code` ERR_UNTRUSTED_CODE, whose `cause.code` says why; ERR_AUDIT_HOOK; ERR_AUDIT_SINK; the system's own
	 */
	openCodeSync(path: string): Uint8Array;
	/** As `openCodeSync`; reading the content waits. */
	openCode(path: string): Promise<Uint8Array>;
	/** The verdict for bytes that lie, or are to lie, at an absolute path without links. Nothing is read, no event raised. */
	decide(path: string, bytes: Uint8Array): Verdict;
	/** Sees every decision before it takes effect, and refuses by throwing. Cannot be removed. */
	addAuditHook(hook: AuditHook): void;
	/** What `openCode` enforces here and what it does not, by name. */
	capabilities(): readonly Capability[];
}

/** @throws Error with `code` as docs/errors.md lists them: whatever is wrong with configuration, index, catalogs or trust */
export function createVerifier(options: VerifierOptions = {}): Verifier {
	checkChoices(options);
	const { index, catalogs, mode, onRefusal, development = "refuse" } = options;
	if (index !== undefined && catalogs !== undefined) throw new TypeError("Give either an index or catalogs");
	const configuration = configurationFor(options);
	const common = {
		configuration,
		mode,
		onRefusal,
		development,
		addon: ownAddon(),
	};
	const gate =
		catalogs === undefined
			? createGate({ ...common, index })
			: gateOver(common, () => evidenceOf(catalogs, configuration.trust, development));
	return {
		mode: gate.mode,
		openCodeSync: (path) => gate.openCodeSync(textOf(path), "data").bytes,
		openCode: async (path) => (await gate.openCode(textOf(path), "data")).bytes,
		decide: gate.decide,
		addAuditHook: gate.audit.addHook,
		capabilities: () => gate.capabilities,
	};
}

/**
 * Whether a runtime on this host would start by an index and a configuration, and in which mode. No event is raised: this
 * user need not be the one who may write them.
 * @throws as `createVerifier`
 */
export function verifyHost({ index, config, development }: Pick<VerifierOptions, "index" | "config" | "development">): {
	readonly mode: Verifier["mode"];
} {
	const configuration = {
		...configurationFor({ config, development }),
		audit: { jsonLines: undefined, stderr: "off", syslog: false } as const,
	};
	const { mode } = createGate({ configuration, index, development, addon: ownAddon() });
	return { mode };
}

/** What is misspelt must not pass for the default, or for anything but the default. @throws RangeError, TypeError */
function checkChoices(options: VerifierOptions): void {
	for (const name of keysOf(options)) {
		if (!Object.hasOwn(CHOICES, name)) throw new TypeError(`There is no option ${quote(name)}`);
		const choices = CHOICES[name as keyof VerifierOptions]; // As just seen.
		const value: unknown = options[name as keyof VerifierOptions];
		if (choices === undefined || value === undefined || choices.some((choice) => choice === value)) continue;
		throw new RangeError(`Option ${name} must be one of ${choices.join(", ")}, not ${quote(String(value))}`);
	}
}

const CHOICES: Readonly<Record<keyof VerifierOptions, readonly string[] | undefined>> = {
	...{ index: undefined, catalogs: undefined, config: undefined, trust: undefined },
	mode: MODES,
	onRefusal: ["throw", "exit"],
	development: ["refuse", "allow"],
};

/** Buffers and URLs, which Node.js opens too, could be changed meanwhile. */
function textOf(path: unknown): string {
	if (typeof path === "string") return path;
	throw new TypeError("A path must be a string");
}

function ownAddon(): KernelAddon | undefined {
	return loadKernelAddon(fileURLToPath(new URL("native/addon.node", import.meta.url)));
}

/** A program may bring its own trust; else the host's configuration counts, and where there is none this user's trust store. */
function configurationFor({ config, trust, development }: VerifierOptions): HostConfiguration {
	if (trust !== undefined) {
		if (config !== undefined) throw new TypeError("Give either trust or a configuration");
		return configurationOf(trustFromCertificates(certificatesFromPem(trust)));
	}
	if (config !== undefined) return readHostConfiguration({ development, file: config });
	return findHostConfiguration({ development }) ?? configurationOf(defaultTrust());
}
