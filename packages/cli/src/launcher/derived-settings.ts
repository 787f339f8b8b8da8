/** Derives settings of the launcher from a trust index and a host configuration. */

import { existsSync } from "node:fs";
import { DEFAULT_POLICY, type IndexContentView } from "@sigtool/core";
import {
	type HostDocument,
	hostFromFileBytes,
	MAX_HOST_BYTES,
	parseTrustIndex,
	readBounded,
} from "@sigtool/core/internal";
import { fromIndexFile } from "../output/index-file.js";
import type { LauncherConf } from "./launcher-conf.js";

/**
 * Derives settings of the launcher from the index and the host configuration: the signed trees, what the policy
 * refuses, and the file for events. Without `verified` reads the index, and does not verify it, because the hook verifies it
 * at every start, and ends the process if that fails.
 * @throws ERR_HOST_CONFIG, ERR_INDEX_FORMAT, ERR_POLICY, ERR_LIMIT, ERR_IO
 */
export function derivedSettings(
	{ index, config }: Pick<LauncherConf, "index" | "config">,
	verified?: IndexForSettings,
): DerivedSettings {
	const { audit, products: bound = [] } = hostDocument(config) ?? {};
	const { products, policy } = verified ?? (existsSync(index) ? fromIndexFile(index, parseTrustIndex) : NO_INDEX);
	const { stringCode, addons, workers } = policy.runtime;
	const refused = { "string-code": stringCode, addons, workers };
	const names = ["string-code", "addons", "workers"] as const;
	return {
		audit: audit?.jsonLines,
		trees: products.map(({ name, root }) => bound.find((each) => each.name === name)?.root ?? root),
		writable: policy.launch.write,
		network: policy.launch.network,
		environment: policy.launch.environment,
		writableCode: policy.launch.writableCode,
		refused: names.filter((name) => refused[name] === "refuse"),
	};
}

/** The part of an index from which settings are derived. */
export type IndexForSettings = Pick<IndexContentView, "products" | "policy">;

/** Stands for an index that does not exist yet. */
export const NO_INDEX: IndexForSettings = { products: [], policy: DEFAULT_POLICY };

export type DerivedSettings = Pick<
	LauncherConf,
	"audit" | "trees" | "writable" | "network" | "environment" | "writableCode" | "refused"
>;

/** Tells whether the host configuration lets a collector write its file of events. */
export function wantsCollector(config: string): boolean {
	return hostDocument(config)?.audit.collector ?? false;
}

/** Returns the host configuration, or undefined if the file does not exist yet. @throws ERR_HOST_CONFIG, ERR_IO */
export function hostDocument(file: string): HostDocument | undefined {
	return existsSync(file) ? hostFromFileBytes(readBounded(file, MAX_HOST_BYTES), file) : undefined;
}
