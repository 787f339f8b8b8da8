/**
 * Loads OpenTelemetry's exporter, an optional package that only users of OTLP install. Its own dependencies are loaded
 * from where it is, so that one name is all that has to be installed.
 */

import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageAbove, singleFile } from "@sigtool/core/internal";
import { SigtoolError } from "@sigtool/core/internal/errors";

export interface OtlpPackages {
	readonly api: typeof import("@opentelemetry/api");
	readonly exporter: typeof import("@opentelemetry/exporter-logs-otlp-http");
	readonly logs: typeof import("@opentelemetry/sdk-logs");
	readonly resources: typeof import("@opentelemetry/resources");
}

const NAME = "@opentelemetry/exporter-logs-otlp-http";
const VERSION = "0.223";

/** @throws ERR_UNSUPPORTED_PLATFORM if the package is not there, or not of a version that is known to work */
export function loadOtlpPackages(): OtlpPackages {
	if (singleFile() !== undefined)
		throw missing("the single file has no packages beside it; use sigtool from npm, or a receiver that speaks syslog");
	// The environment must not name other code, so only folders above this file count.
	const directory = packageAbove(NAME, fileURLToPath(import.meta.url));
	const way = `run \`npm install ${NAME}@${VERSION}\` where sigtool is installed`;
	if (directory === undefined) throw missing(`${NAME} is not installed; ${way}`);
	try {
		const load = createRequire(join(realpathSync(directory), "package.json"));
		const { version } = load("./package.json");
		if (!String(version).startsWith(`${VERSION}.`)) throw missing(`${NAME} has version ${version}; ${way}`);
		const loadOfLogs = createRequire(load.resolve("@opentelemetry/sdk-logs"));
		return {
			api: load("@opentelemetry/api"),
			exporter: load(realpathSync(directory)),
			logs: load("@opentelemetry/sdk-logs"),
			resources: loadOfLogs("@opentelemetry/resources"),
		};
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : missing(`${NAME} cannot be loaded; ${way}`, cause);
	}
}

function missing(reason: string, cause?: unknown): SigtoolError {
	return new SigtoolError("ERR_UNSUPPORTED_PLATFORM", `Cannot send by OTLP: ${reason}`, { cause });
}
