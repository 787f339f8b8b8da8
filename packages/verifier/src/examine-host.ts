/**
 * Tells an administrator, before the next start of a program, which ends and denials the host's trust index and
 * configuration have.
 */

import type { TrustIndex, VerifiedTrustIndex } from "@sigtool/core/read";
import { type HostConfiguration, readHostConfiguration } from "./host/config.js";
import { endsOf } from "./monitor/deny-list.js";
import { verifyIndexFile } from "./monitor/verify-index-file.js";

export interface HostExamination {
	/** The content that was verified. The file may have another one by now. */
	readonly index: Pick<TrustIndex, "products" | "policy">;
	readonly ends: readonly HostEnd[];
	/** The signed files that the deny list names. */
	readonly denied: readonly DeniedEntry[];
}

export interface HostEnd {
	/** The name of the thing that ends, e.g. `the trust index`. */
	readonly what: string;
	/** The last moment in milliseconds since the epoch. */
	readonly notAfter: number;
}

export interface DeniedEntry {
	readonly product: string;
	readonly path: string;
	readonly sha256: string;
	/** The reason that the deny list gives. */
	readonly reason: string;
}

export interface HostPlace {
	/** The paths of the trust index and of the host configuration. */
	readonly index: string;
	readonly config: string;
	readonly development?: "refuse" | "allow";
}

/**
 * Examines an index that this host would start with.
 * @throws ERR_HOST_CONFIG, and the errors of `verifyTrustIndex`
 */
export function examineHost({ index: file, config, development = "refuse" }: HostPlace): HostExamination {
	const configuration = readHostConfiguration({ file: config, development });
	const verified = verifyIndexFile(file, { trust: configuration.trust, development });
	return {
		index: verified.index,
		ends: endsOfHost(configuration, verified),
		denied: deniedEntries(configuration, verified),
	};
}

function endsOfHost({ trust }: HostConfiguration, verified: VerifiedTrustIndex): HostEnd[] {
	const { notAfter } = verified.index;
	const authorities = trust.authorities.map(({ certificate }) => certificate);
	return [
		...(notAfter === undefined ? [] : [{ what: "the trust index", notAfter }]),
		...endsOf(verified).map((end) => ({ what: "the certificate of its signer", notAfter: end.notAfter })),
		...(verified.policySignature === undefined ? [] : endsOf(verified.policySignature)).map((end) => {
			return { what: "the certificate of the policy's signer", notAfter: end.notAfter };
		}),
		...authorities.map((each) => ({ what: `authority "${each.subject.text}"`, notAfter: each.notAfter })),
		...(trust.timestampAuthorities ?? []).map((each) => {
			return { what: `timestamp authority "${each.subject.text}"`, notAfter: each.notAfter };
		}),
	];
}

function deniedEntries({ deny }: HostConfiguration, { index }: VerifiedTrustIndex): DeniedEntry[] {
	const reasons = new Map(deny.flatMap(({ kind, sha256, reason }) => (kind === "file" ? [[sha256, reason]] : [])));
	if (reasons.size === 0) return [];
	return index.products.flatMap(({ name: product }) =>
		[...index.entries(product)].flatMap(([path, entry]) => {
			const sha256 = entry.kind === "file" ? entry.sha256 : undefined;
			const reason = sha256 === undefined ? undefined : reasons.get(sha256);
			return sha256 === undefined || reason === undefined ? [] : [{ product, path, sha256, reason }];
		}),
	);
}
