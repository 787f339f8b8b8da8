/** Provides the verifier's tests with an index made from a directory, and a monitor over it. */

import { createHash, generateKeyPairSync } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_POLICY } from "@sigtool/core/read";
import { expect } from "vitest";
import { issueCertificate } from "../../core/dist/signer/identity/issue-certificate.js";
import { type Signer, signerFromKey } from "../../core/dist/signer/signer.js";
import { encodeIndex, type IndexContent, signIndex } from "../../core/dist/trust/index-encode.js";
import { type AuditSink, createAudit } from "../dist/audit/audit.js";
import type { AuditEvent } from "../dist/audit/events.js";
import { type CodeEntry, type CodeIndex, createJudge } from "../dist/monitor/judge.js";
import { createKernelCheck } from "../dist/monitor/kernel-check.js";
import { type MonitorParts, monitorOf } from "../dist/monitor/monitor.js";

export const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

export function indexOf(root: string, product = "app", more: { sequence?: number; notAfter?: number } = {}): CodeIndex {
	const entries = new Map<string, CodeEntry>();
	for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
		const path = join(root, name);
		const stats = lstatSync(path);
		if (stats.isSymbolicLink()) entries.set(name, { kind: "link", target: readlinkSync(path) });
		else if (stats.isFile()) entries.set(name, { kind: "file", sha256: sha256(readFileSync(path)) });
	}
	return {
		products: [{ name: product, root, sequence: more.sequence, catalogs: [sha256("catalog")] }],
		compiled: undefined,
		notAfter: more.notAfter,
		find: (name, path) => (name === product ? entries.get(path) : undefined),
		hasContent: (sha256, counts = () => true) =>
			[...entries].some(([path, entry]) => entry.kind === "file" && entry.sha256 === sha256 && counts(product, path)),
		fileTexts: [],
	};
}

/** Makes a sink that keeps events in memory. */
export function memorySink(wants: AuditSink["wants"] = "all") {
	const events: AuditEvent[] = [];
	const write = (lines: string) => {
		for (const line of lines.trimEnd().split("\n")) events.push(JSON.parse(line));
	};
	return { name: "memory", wants, write, events };
}

export function monitorFor(index: CodeIndex, parts: Partial<MonitorParts> = {}) {
	const sink = memorySink();
	const monitor = monitorOf({
		mode: "enforce",
		policy: DEFAULT_POLICY,
		onRefusal: "throw",
		judge: createJudge(index, [], []),
		kernel: createKernelCheck("log", undefined),
		maxSizeBytes: 1 << 20,
		ownerAndMode: {},
		audit: createAudit([sink]),
		...parts,
	});
	return { monitor, events: sink.events };
}

export const refusal = (code: string) => expect.objectContaining({ code });
/** Matches ERR_UNTRUSTED_CODE with this reason. */
export const untrusted = (reason: string) =>
	expect.objectContaining({ code: "ERR_UNTRUSTED_CODE", cause: refusal(reason) });

const DAY_MS = 86_400_000;

/** Makes a key with a self-signed certificate that is valid now. */
export function makeSigner(kind: "release" | "development" = "release"): Signer {
	const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
	const now = Date.now();
	const order = { commonName: "Test Signer", key, notBefore: now - DAY_MS, notAfter: now + 90 * DAY_MS, kind };
	return signerFromKey(key, [issueCertificate(order)], { unfit: "allow" });
}

export async function signedIndex(signer: Signer, content: IndexContent): Promise<Buffer> {
	return Buffer.concat(await signIndex(encodeIndex(content), signer, Date.now()));
}

/** Leaves the events of refusals out, which standard error gets whatever `audit.stderr` says. */
export function withoutRefusals(stderr: string): string {
	return stderr.replaceAll(/^sigtool: \{.*"verdict":"refuse".*\n/gm, "");
}
