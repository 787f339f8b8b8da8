import { digestFile, type FileDigest, type FileDigestAlgorithm } from "@sigtool/core";
import { digestStandardInput } from "@sigtool/core/internal";
import { SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../../options/usage.js";
import { type ExitStatus, type OutputOptions, oneLine, type Report, worse } from "../../output/output.js";
import { colour } from "../../output/terminal.js";

export interface DigestCommandOptions extends OutputOptions {
	readonly algorithm: FileDigestAlgorithm;
	readonly salt?: string;
	readonly blockSize?: string;
}

/**
 * Returns one line for each file, in the format of `sha256sum` of coreutils. An error about one file does not stop the
 * work on the others.
 */
export async function digest(files: readonly string[], options: DigestCommandOptions): Promise<Report> {
	const compute = digester(options);
	const outcomes = files.map((file) => digestOne(file, compute));
	return {
		exit: outcomes.reduce<ExitStatus>((worst, { exit }) => worse(worst, exit), 0),
		fields: { algorithm: options.algorithm, results: outcomes.map(({ fields }) => fields) },
		data: outcomes.flatMap(({ line }) => line ?? []),
		lines: [],
		problems: outcomes.flatMap(({ problem }) => problem ?? []),
	};
}

type Digester = (file: string) => FileDigest;

function digester({ algorithm, salt, blockSize }: DigestCommandOptions): Digester {
	if (!algorithm.startsWith("fsverity-") && (salt !== undefined || blockSize !== undefined)) {
		throw usageError(`Options --salt and --block-size go with fs-verity, not with ${algorithm}`);
	}
	const parameters = {
		...(salt === undefined ? {} : { salt: parseSalt(salt) }),
		...(blockSize === undefined ? {} : { blockSize: Number(blockSize) }),
	};
	return (file) => {
		if (file !== "-") return digestFile(file, algorithm, parameters);
		if (algorithm !== "authenticode") return digestStandardInput(algorithm, parameters);
		throw usageError("Cannot read standard input for an authenticode digest: name a file");
	};
}

function parseSalt(text: string): Buffer {
	if (/^([0-9a-f]{2}){0,32}$/i.test(text)) return Buffer.from(text, "hex");
	throw usageError("Option --salt takes up to 32 bytes as hexadecimal digits, two for each byte");
}

interface Outcome {
	readonly exit: ExitStatus;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly line?: string;
	readonly problem?: string;
}

function digestOne(file: string, compute: Digester): Outcome {
	try {
		const { digest, sizeBytes } = compute(file);
		const hex = Buffer.from(digest).toString("hex");
		return { exit: 0, fields: { file, digest: hex, sizeBytes }, line: checksumLine(hex, file) };
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const { code, message, exitStatus } = error;
		return {
			exit: exitStatus,
			fields: { file, error: { code, message } },
			problem: `${colour.red("error")}: ${oneLine(message)} [${code}]`,
		};
	}
}

/**
 * Formats a line as coreutils 9 does, so that `sha256sum -c` can read it. If the name contains escape sequences, the
 * line begins with a backslash.
 */
function checksumLine(hex: string, file: string): string {
	const name = file.replace(/[\\\n\r]/g, (character) => NAME_ESCAPES[character]);
	return `${name === file ? "" : "\\"}${hex}  ${name}`;
}

const NAME_ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r" };
