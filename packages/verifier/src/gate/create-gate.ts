/** From a trust index, or catalogs, and what this host says of them to the gate. Everything is verified here, once. */

import {
	DEFAULT_POLICY,
	MAX_POLICY_BYTES,
	MAX_TRUST_INDEX_BYTES,
	type Mode,
	type Policy,
	parsePolicy,
	policyInMode,
	quote,
	readBounded,
	SigtoolError,
	type VerifiedSigner,
	verifyTrustIndex,
} from "@sigtool/core/read";
import { type Audit, type AuditSink, createAudit } from "../audit/audit.js";
import type { EventDetail } from "../audit/events.js";
import { jsonLinesSink, standardErrorSink, systemLogSink } from "../audit/sinks.js";
import { type AuditSettings, type Development, type HostConfiguration, MODES, type OnRefusal } from "../host/config.js";
import { jsonOf, readOwnedFile } from "../host/owned-file.js";
import { platform } from "../safe/primordials.js";
import { type Gate, gateOf } from "./gate.js";
import { type CodeIndex, createJudge } from "./judge.js";
import { createKernelCheck, type KernelAddon } from "./kernel-check.js";

export interface GateOptions {
	/** File or octets of a trust index, which nobody may write to afterwards. Absent: the one the configuration names. */
	readonly index?: string | Uint8Array;
	readonly configuration: HostConfiguration;
	/** Makes the host's mode stricter, never weaker. */
	readonly mode?: Mode;
	/** In place of the host's; `throw` when neither says. */
	readonly onRefusal?: OnRefusal;
	/** Whether what a development identity signed counts. Default `refuse`. */
	readonly development?: Development;
	readonly addon?: KernelAddon | undefined;
	/** For the start event: what this runtime is able to do, and what is not enforced, by name. */
	readonly tier?: string;
	readonly missing?: readonly string[];
}

/** What a trusted signer said, and who that is. */
export interface Evidence {
	readonly index: CodeIndex;
	readonly policy: Policy;
	/** Whoever vouched for any of it. */
	readonly signers: readonly VerifiedSigner[];
	/** Lowercase hexadecimal SHA-256 of the index file; undefined for catalogs. */
	readonly digest: string | undefined;
}

/**
 * A gate over a trust index. Failing is an event too.
 * @throws as `verifyTrustIndex`, and ERR_HOST_CONFIG, ERR_POLICY, ERR_PRODUCT_MISMATCH, ERR_SEQUENCE, ERR_DENIED,
 * ERR_KERNEL_CHECK, ERR_AUDIT_SINK
 */
export function createGate(options: GateOptions): Gate {
	return gateOver(options, () => readIndex(options));
}

/** As `createGate`, over whatever `gather` verifies. */
export function gateOver(options: GateOptions, gather: () => Evidence): Gate {
	if (platform === "win32") {
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", "Cannot enforce anything on Windows yet: use Linux or macOS");
	}
	const { configuration } = options;
	const audit = createAudit(sinksFor(configuration.audit, options.addon));
	if (configuration.mode !== undefined && stricter(configuration.mode, options.mode) === "off") {
		return unguardedGate(options, audit);
	}
	let gate: Gate;
	try {
		gate = guardedGate(options, gather(), audit);
	} catch (error) {
		const reason = error instanceof SigtoolError ? error.code : "ERR_INTERNAL";
		audit.raise("verifier.start", "refuse", { reason, missing: options.missing?.join(" ") });
		throw error;
	}
	// Sinks that take every event show here whether they work; an audit trail that begins broken is none.
	audit.flush();
	if (audit.dropped > 0 && gate.mode !== "audit" && gate.mode !== "off") {
		throw new SigtoolError("ERR_AUDIT_SINK", "Cannot start: the first audit event could not be written");
	}
	return gate;
}

const NOTHING_SIGNED: CodeIndex = {
	products: [],
	notAfter: undefined,
	find: () => undefined,
	hasContent: () => false,
};

/** The emergency opening by the host: nothing is verified, so that it helps when that is what fails. An event says so. */
function unguardedGate({ tier, missing }: GateOptions, audit: Audit): Gate {
	try {
		audit.raise("verifier.start", "audit", { mode: "off", tier, missing: missing?.join(" ") });
	} catch {
		// A sink that fails does not keep it shut.
	}
	const policy = policyInMode(DEFAULT_POLICY, "off");
	const judge = createJudge(NOTHING_SIGNED, [], []);
	const kernel = createKernelCheck("off", undefined);
	const { maxSizeBytes } = policy.files;
	return gateOf({ mode: "off", policy, onRefusal: "throw", audit, judge, kernel, maxSizeBytes, sizes: "any" });
}

function guardedGate(options: GateOptions, evidence: Evidence, audit: Audit): Gate {
	const { configuration, addon, tier, missing } = options;
	const { index, signers, digest } = evidence;
	const ownPolicy = hostPolicy(options) ?? evidence.policy;
	const mode = stricter(configuration.mode ?? ownPolicy.mode, options.mode);
	const policy = policyInMode(ownPolicy, mode);
	refuseOtherProducts(index, policy);
	const judge = createJudge(index, configuration.products, configuration.deny);
	const kernel = createKernelCheck(policy.files.kernelCheck, addon);
	const detail: EventDetail<"verifier.start"> = {
		mode,
		index: digest,
		signer: signers[0]?.spkiSha256,
		products: index.products
			.map(({ name, sequence }) => (sequence === undefined ? name : `${name}@${sequence}`))
			.join(" "),
		tier,
		missing: missing?.join(" "),
	};
	if (addon !== undefined) audit.raise("native.load", "allow", { name: "addon.node" });
	for (const { name: product, sequence } of index.products) {
		audit.raise("catalog.load", "allow", { sha256: digest, product, sequence, signer: signers[0]?.spkiSha256 });
	}
	audit.raise("verifier.start", mode === "off" || mode === "audit" ? "audit" : "allow", detail);
	const onRefusal = options.onRefusal ?? configuration.onRefusal ?? "throw";
	const { maxSizeBytes } = policy.files;
	const { exitProcess: exit, readPlainFile, readPackageType } = addon ?? {};
	const shortWays = { readPlainFile, readPackageType };
	return gateOf({ mode, policy, onRefusal, exit, audit, judge, kernel, ...shortWays, maxSizeBytes, sizes: "bounded" });
}

function readIndex({ index, configuration, development, addon }: GateOptions): Evidence {
	const source = index ?? configuration.index;
	if (source === undefined) {
		const message = `Cannot start: neither the program nor ${quote(configuration.file)} names a trust index`;
		throw new SigtoolError("ERR_HOST_CONFIG", message);
	}
	const bytes = typeof source === "string" ? readBounded(source, MAX_TRUST_INDEX_BYTES) : source;
	const verified = verifyTrustIndex(bytes, { trust: configuration.trust, development, findRecord: addon?.findRecord });
	const { policy, digest } = verified.index;
	return { index: verified.index, policy, signers: [verified.signer], digest };
}

/** The policy document that the host configuration names. */
function hostPolicy({ configuration, development = "refuse" }: GateOptions): Policy | undefined {
	const { policy: file } = configuration;
	if (file === undefined) return undefined;
	const bytes = readOwnedFile(file, { development, maxBytes: MAX_POLICY_BYTES });
	if (bytes === undefined) {
		throw new SigtoolError("ERR_HOST_CONFIG", `Cannot use policy ${quote(file)}: it does not exist`, { path: file });
	}
	return parsePolicy(jsonOf(bytes, file));
}

function stricter(a: Mode, b: Mode = a): Mode {
	return MODES.indexOf(a) > MODES.indexOf(b) ? a : b;
}

function refuseOtherProducts({ products }: CodeIndex, policy: Policy): void {
	const other = products.find(({ name }) => policy.products.length > 0 && !policy.products.includes(name));
	if (other === undefined) return;
	throw new SigtoolError(
		"ERR_PRODUCT_MISMATCH",
		`Cannot use product ${quote(other.name)}: the policy does not name it`,
	);
}

function sinksFor({ jsonLines, stderr, syslog }: AuditSettings, addon: KernelAddon | undefined): AuditSink[] {
	const log = syslog ? addon?.logToSystem : undefined;
	return [
		...(log === undefined ? [] : [systemLogSink(log)]),
		...(stderr === "off" ? [] : [standardErrorSink(stderr)]),
		...(jsonLines === undefined ? [] : [jsonLinesSink(jsonLines)]),
	];
}
