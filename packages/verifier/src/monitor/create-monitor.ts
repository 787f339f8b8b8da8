/** Makes the monitor from a trust index or catalogs and the host configuration. Everything is verified here, once. */

import {
	EARLIEST_SECONDS,
	fileRulesOf,
	MAX_POLICY_BYTES,
	policyInMode,
	quote,
	unsignedPolicy,
} from "@sigtool/core/internal/read";
import {
	type IndexDigests,
	MODES,
	type Mode,
	type Policy,
	parsePolicy,
	policyFromFileBytes,
	SigtoolError,
	type VerifiedSigner,
	verifyTrustIndex,
} from "@sigtool/core/read";
import { type Audit, type AuditSink, createAudit } from "../audit/audit.js";
import { collectorSink } from "../audit/collector-sink.js";
import type { EventDetail } from "../audit/events.js";
import { jsonLinesSink } from "../audit/events-file.js";
import { STANDARD_ERROR, standardErrorSink, systemLogSink, writeFully } from "../audit/sinks.js";
import type { AuditSettings, Development, HostConfiguration, OnRefusal } from "../host/config.js";
import { readOwnedFile } from "../host/owned-file.js";
import { platform } from "../safe/primordials.js";
import { addDenials, createDenyList, type Denials, endsOf, type Ground, groundsOf, noDenials } from "./deny-list.js";
import { type CodeIndex, createJudge } from "./judge.js";
import { createKernelCheck, type KernelAddon } from "./kernel-check.js";
import { type Monitor, monitorOf } from "./monitor.js";
import type { OpenRules } from "./open-code.js";
import { evidenceFacts, processFacts, refusalFacts } from "./start-facts.js";
import { createTerm, type End, noSeenEnds, type SeenEnds } from "./term.js";
import { verifyIndexFile } from "./verify-index-file.js";

export interface MonitorOptions {
	/**
	 * The trust index: the path of its file, or its bytes, which must not change afterwards. Default: the index that the
	 * configuration names.
	 */
	readonly index?: string | Uint8Array;
	/** The digests of the index, if they need not be computed. */
	readonly digests?: IndexDigests | undefined;
	readonly configuration: HostConfiguration;
	/** Replaces the host's mode if this mode is stricter. A weaker mode has no effect. */
	readonly mode?: Mode;
	/** Replaces the host's setting. Default: the host's setting, else `throw`. */
	readonly onRefusal?: OnRefusal;
	/** `allow` accepts signatures of a development identity. Default `refuse`. */
	readonly development?: Development;
	readonly addon?: KernelAddon | undefined;
	/** The real paths of roots that are known already. The others are added. */
	readonly roots?: Map<string, string>;
	/** The state of the process, which its threads share. Default: that of a process that starts now. */
	readonly state?: ProcessState;
	/** The runtime's tier, for the start event. */
	readonly tier?: string;
	/** The names of the capabilities that are not enforced, for the start event. */
	readonly missing?: readonly string[];
	/** The path of the file of events to which a collector writes, and not this process. */
	readonly collected?: string | undefined;
	/** The absolute path of the program's file, for the start event. */
	readonly script?: string | undefined;
}

/** The state of a process since its start. It can be cloned, so that a new thread begins with the state of the others. */
export interface ProcessState {
	/** The time of the start, in milliseconds since the epoch. Threads of a process that runs are judged for it too. */
	readonly startedAt: number;
	/** The denials that were found so far. */
	readonly denials: Denials;
	readonly seenEnds: SeenEnds;
}

export function newProcessState(): ProcessState {
	return { startedAt: Date.now(), denials: noDenials(), seenEnds: noSeenEnds() };
}

/** Verified index and policy, and the signers that signed them. */
export interface Evidence {
	readonly index: CodeIndex;
	readonly policy: Policy;
	/** The signer of the index. If the evidence is catalogs without an index, the signers of all catalogs. */
	readonly signers: readonly VerifiedSigner[];
	/** The digests of the index; undefined for catalogs. */
	readonly digests: IndexDigests | undefined;
	/** True if a policy signer of the host signed the policy. */
	readonly isPolicySigned: boolean;
	/** If one of these is denied, the whole evidence is refused. */
	readonly grounds: readonly Ground[];
	readonly ends: readonly End[];
}

/**
 * Makes a monitor over a trust index. A failure also raises an event.
 * @throws the errors of `verifyTrustIndex`, and ERR_HOST_CONFIG, ERR_POLICY, ERR_PRODUCT_MISMATCH, ERR_SEQUENCE,
 * ERR_DENIED, ERR_KERNEL_CHECK, ERR_AUDIT_SINK
 */
export function createMonitor(options: MonitorOptions): Monitor {
	return monitorOver(options, (state) => readIndex(options, state));
}

/** Does what `createMonitor` does, but with the evidence that `gather` returns. `gather` may refuse by throwing. */
export function monitorOver(options: MonitorOptions, gather: (state: ProcessState) => Evidence): Monitor {
	if (platform === "win32") {
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", "Cannot enforce anything on Windows yet: use Linux or macOS");
	}
	const { configuration, state = newProcessState() } = options;
	const audit: Audit = createAudit(
		sinksFor(
			configuration.audit,
			options.addon,
			(path, reason) => reportDetached(audit, configuration.audit, path, reason),
			options.collected,
		),
	);
	// With policy signers only a signed policy can say `off`, so the index is verified first.
	const isOff = configuration.mode !== undefined && stricter(configuration.mode, options.mode) === "off";
	if (isOff && configuration.trust.policySigners === undefined) {
		return unguardedMonitor(options, audit);
	}
	let monitor: Monitor;
	try {
		requireClock(state);
		monitor = guardedMonitor(options, state, gather(state), audit);
	} catch (error) {
		const facts = { ...refusalFacts(error, options.script), missing: options.missing?.join(" ") };
		audit.raise("verifier.start", "refuse", facts, "ends");
		throw error;
	}
	// Writing the start event tests the sinks that receive all events, because enforcement needs a complete audit trail.
	audit.flush();
	if (audit.dropped > 0 && monitor.mode !== "audit" && monitor.mode !== "off") {
		throw unwrittenStart(audit.dropFailure);
	}
	return monitor;
}

/** The disk may be full, or the reader of a pipe too slow. */
function unwrittenStart(cause: Error | undefined): SigtoolError {
	const why = cause?.message ?? "Cannot write audit events: there are more than a start may have";
	const message = `${why}; the start needs its first event written, so free the disk, or see to who reads the events`;
	return new SigtoolError("ERR_AUDIT_SINK", message, { cause, passing: true });
}

/** A machine without a battery starts in 1970, or at the time of its last shutdown. @throws ERR_CLOCK */
function requireClock({ startedAt }: ProcessState): void {
	if (startedAt / 1000 >= EARLIEST_SECONDS) return;
	const message = `Cannot judge what has expired: the clock says ${new Date(startedAt).toISOString()}, which is before this release; set it, or wait for time-sync.target`;
	throw new SigtoolError("ERR_CLOCK", message);
}

const NOTHING_SIGNED: CodeIndex = {
	products: [],
	compiled: undefined,
	notAfter: undefined,
	find: () => undefined,
	hasContent: () => false,
	fileTexts: [],
};

/**
 * Makes the monitor for mode off, the host's emergency switch. Nothing is verified, so that the switch also helps if
 * verification fails. Raises an event.
 */
function unguardedMonitor({ tier, missing, script }: MonitorOptions, audit: Audit): Monitor {
	try {
		const detail = { mode: "off", tier, ...processFacts(script), missing: missing?.join(" ") };
		audit.raise("verifier.start", "record", detail);
	} catch {
		// The emergency switch must work even if a sink fails, so the failure is ignored.
	}
	const policy = policyInMode(parsePolicy({ version: 1 }), "off");
	const judge = createJudge(NOTHING_SIGNED, [], []);
	const kernel = createKernelCheck("off", undefined);
	const files = openRulesOf(policy);
	return monitorOf({ mode: "off", policy, onRefusal: "throw", audit, judge, kernel, ...files });
}

function guardedMonitor(options: MonitorOptions, state: ProcessState, evidence: Evidence, audit: Audit): Monitor {
	const { configuration, development = "refuse", addon, tier, missing, script } = options;
	const { index, signers, digests } = evidence;
	if (configuration.trust.policySigners !== undefined) requireSignedPolicy(configuration, evidence);
	const ownPolicy = hostPolicy(options) ?? evidence.policy;
	const mode = stricter(configuration.mode ?? ownPolicy.mode, options.mode);
	const policy = policyInMode(ownPolicy, mode);
	refuseOtherProducts(index, policy);
	const { startedAt, denials, seenEnds } = state;
	const watched = configuration.isFile ? { file: configuration.file, development } : undefined;
	const denyList = createDenyList(addDenials(denials, configuration.deny), evidence.grounds, watched, audit);
	const term = createTerm(evidence.ends, configuration.onExpiry, seenEnds, audit);
	const settings = { denyList, term, at: startedAt, rules: fileRulesOf(policy, startedAt) };
	const judge = createJudge(index, configuration.products, configuration.deny, settings, options.roots);
	const kernel = createKernelCheck(policy.files.kernelCheck, addon);
	const detail: EventDetail<"verifier.start"> = {
		mode,
		...evidenceFacts(evidence),
		tier,
		...processFacts(script),
		missing: missing?.join(" "),
	};
	if (addon !== undefined) audit.raise("native.load", "allow", { name: "addon.node" });
	for (const { name: product, sequence } of index.products) {
		audit.raise("catalog.load", "allow", { sha256: digests?.index, product, sequence, signer: signers[0]?.spkiSha256 });
	}
	audit.raise("verifier.start", mode === "off" || mode === "audit" ? "record" : "allow", detail);
	term.refusal(); // says in an event what ends soon
	const onRefusal = options.onRefusal ?? configuration.onRefusal ?? "throw";
	const { exitProcess: exit, readRegularFile, readPackageType } = addon ?? {};
	const fastPath = { readRegularFile, readPackageType };
	const parts = { mode, policy, onRefusal, exit, audit, judge, kernel, digests, ...fastPath };
	return monitorOf({ ...parts, ...openRulesOf(policy) });
}

/** Returns the rules of the policy that concern an opened file whatever its content is. */
function openRulesOf({ files }: Policy): Pick<OpenRules, "maxSizeBytes" | "ownerAndMode"> {
	const { maxSizeBytes, owner, othersWrite } = files;
	return { maxSizeBytes, ownerAndMode: { owner, othersWrite } };
}

/** Reads and verifies the index. Throws like `createMonitor`. */
export function readIndex(
	{ index, digests, configuration, development, addon }: MonitorOptions,
	{ startedAt: at }: ProcessState,
): Evidence {
	const source = index ?? configuration.index;
	if (source === undefined) {
		const message = `Cannot start: neither the program nor ${quote(configuration.file)} names a trust index`;
		throw new SigtoolError("ERR_HOST_CONFIG", message);
	}
	const { trust } = configuration;
	const options = { trust, development, digests, at, findRecord: addon?.findRecord };
	const verified = typeof source === "string" ? verifyIndexFile(source, options) : verifyTrustIndex(source, options);
	const { policy, signers, products, notAfter } = verified.index;
	const { policySignature } = verified;
	const catalogs = products.flatMap((product) => product.catalogs);
	return {
		index: verified.index,
		policy,
		signers: [verified.signer],
		digests: verified.digests,
		isPolicySigned: policySignature !== undefined,
		grounds: [
			...[verified.digests.index, verified.digests.content].map(
				(sha256) => ({ kind: "catalog", sha256, what: "the trust index", from: 0 }) as const,
			),
			...catalogs.map(
				(sha256) => ({ kind: "catalog", sha256, what: "a catalog of the trust index", from: 0 }) as const,
			),
			...signers.map((sha256) => ({ kind: "key", sha256, what: "a key that signed its catalogs", from: 0 }) as const),
			...[verified, ...(policySignature === undefined ? [] : [policySignature])].flatMap(groundsOf),
		],
		ends: [
			...(notAfter === undefined ? [] : [{ what: "index", notAfter } as const]),
			...[verified, ...(policySignature === undefined ? [] : [policySignature])].flatMap(endsOf),
		],
	};
}

/**
 * Refuses whatever would count in place of what a policy signer signed, or would weaken it.
 * @throws ERR_POLICY_SIGNER
 */
function requireSignedPolicy(
	{ file, policy: own, mode }: HostConfiguration,
	{ policy, isPolicySigned }: Evidence,
): void {
	if (!isPolicySigned) throw unsignedPolicy("what the program loads has no trust index with a signed policy");
	if (own !== undefined) {
		const message = `Cannot use policy ${quote(own)}: nobody signed it, and ${quote(file)} demands a signed policy by its "policySigners"; remove one of both`;
		throw new SigtoolError("ERR_POLICY_SIGNER", message, { path: file });
	}
	if (mode === undefined || stricter(mode, policy.mode) === mode) return;
	const message = `Cannot use mode "${mode}" of ${quote(file)}: it is weaker than "${policy.mode}" of the signed policy, which counts because of its "policySigners"; remove the mode, or both`;
	throw new SigtoolError("ERR_POLICY_SIGNER", message, { path: file });
}

/** Reads the policy document that the host configuration names; undefined if it names none. */
function hostPolicy({ configuration, development = "refuse" }: MonitorOptions): Policy | undefined {
	const { policy: file } = configuration;
	if (file === undefined) return undefined;
	const bytes = readOwnedFile(file, { development, maxBytes: MAX_POLICY_BYTES });
	if (bytes === undefined) {
		const message = `Cannot use policy ${quote(file)}: it does not exist`;
		throw new SigtoolError("ERR_HOST_CONFIG", message, { path: file, passing: true });
	}
	return policyFromFileBytes(bytes, file);
}

function stricter(a: Mode, b: Mode = a): Mode {
	return MODES.indexOf(a) > MODES.indexOf(b) ? a : b;
}

function refuseOtherProducts({ products }: CodeIndex, policy: Policy): void {
	const other = products.find(({ name }) => policy.products.length > 0 && !policy.products.includes(name));
	if (other === undefined) return;
	throw new SigtoolError(
		"ERR_PRODUCT_MISMATCH",
		`Cannot use product ${quote(other.name)}: the policy does not name it; add it to "products" there, or install the index that belongs to it`,
	);
}

type OnDetached = (path: string, reason: string) => void;

function sinksFor(
	{ jsonLines, stderr, syslog }: AuditSettings,
	addon: KernelAddon | undefined,
	onDetached: OnDetached,
	collected: string | undefined,
): AuditSink[] {
	const log = syslog ? addon?.logToSystem : undefined;
	return [
		...(log === undefined ? [] : [systemLogSink(log)]),
		...(stderr === undefined ? [] : [standardErrorSink(stderr === "off" ? "silent refusals" : stderr)]),
		...(jsonLines === undefined ? [] : [fileSink(jsonLines, addon, onDetached, collected)]),
	];
}

function fileSink(
	file: string,
	addon: KernelAddon | undefined,
	onDetached: OnDetached,
	collected: string | undefined,
): AuditSink {
	if (file === collected && addon?.sendEvents !== undefined) return collectorSink(quote(file), addon.sendEvents);
	return jsonLinesSink(file, { onDetached: (reason) => onDetached(file, reason) });
}

/** Tells every sink that events go to a file that has lost its path. If there is no other sink, tells standard error. */
function reportDetached(audit: Audit, { stderr, syslog }: AuditSettings, path: string, detail: string): void {
	try {
		if (stderr === "off" && !syslog) {
			const message = `sigtool: ERR_AUDIT_SINK: Cannot write audit events to ${quote(path)}: ${detail}; they go on to the file that had this path\n`;
			writeFully(STANDARD_ERROR, message);
		}
		audit.raise("verifier.detached", "record", { path, reason: "ERR_AUDIT_SINK", detail });
	} catch {
		// A sink that fails makes the event fail that is written at the moment.
	}
}
