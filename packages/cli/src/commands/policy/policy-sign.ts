import { type Policy, parsePolicy } from "@sigtool/core";
import {
	encodeSignedPolicy,
	HIGHER_OR_FORCE,
	hasContent,
	isSignedPolicy,
	MAX_SIGNED_POLICY_BYTES,
	outputFile,
	parseSignedPolicy,
	policyOfSigned,
	readBounded,
	refuseLowerSequence,
	signPolicy,
	writeAtomically,
} from "@sigtool/core/internal";
import { COMMAND, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { SIGNED_BY_DEVELOPMENT } from "../../options/development.js";
import { existingOutput, outputExists } from "../../options/output-exists.js";
import { parseSequence } from "../../options/sequence.js";
import { type KeyOptions, openSigner } from "../../options/signer-options.js";
import { sourceDate } from "../../options/source-date.js";
import {
	type TimestampingOptions,
	timestampFields,
	timestampRequestOf,
	timestampText,
} from "../../options/timestamp-options.js";
import { requireOutputName } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { signerFields, signerRows } from "../../output/render.js";
import { policyOfFiles } from "../../policy/policy-files.js";

export interface PolicySignOptions extends KeyOptions, TimestampingOptions, OutputOptions {
	readonly output: string;
	readonly sequence?: string;
	readonly force?: boolean;
}

/**
 * Merges policies, and signs the result for hosts that demand signed policies.
 * @throws ERR_USAGE, ERR_OUTPUT_EXISTS, ERR_CATALOG_EXISTS, ERR_POLICY, ERR_LIMIT, ERR_NETWORK, ERR_TIMESTAMP, the errors of the signer and
 * of reading
 */
export async function policySign(files: readonly string[], options: PolicySignOptions): Promise<Report> {
	const { output } = options;
	requireOutputName(output);
	const time = sourceDate();
	const sequence = parseSequence(options.sequence) ?? Math.floor(time / 1000);
	if (options.force !== true) requireReplaceable(output, sequence);
	const given = policyOfFiles(files);
	const policy = parsePolicy({ ...given, sequence });
	const timestamp = timestampRequestOf(options);
	const warnings: string[] = productsWarning(policy);
	const signer = await openSigner(options, (text) => warnings.push(text));
	const made = await untilInterrupted((signal) => signPolicy(policy, signer, { time, timestamp, signal })).finally(
		signer.close,
	);
	writeAtomically(outputFile(output), Buffer.from(encodeSignedPolicy(made.signed)));
	const [leaf] = signer.certificates;
	return {
		exit: 0,
		fields: {
			policy: output,
			sequence,
			mode: policy.mode,
			products: policy.products,
			development: signer.development,
			signer: signerFields(leaf, signer.development),
			...(made.timestamp && { timestamp: timestampFields(made.timestamp) }),
		},
		lines: [
			`signed ${escaped(output)}`,
			...rows([
				["sequence", `${sequence}`],
				["mode", policy.mode],
				["products", policy.products.length === 0 ? "every product" : policy.products.map(escaped).join(", ")],
				...signerRows(leaf, signer.development),
				["timestamp", made.timestamp && timestampText(made.timestamp)],
				["next", `compile an index with it: \`${shell`${COMMAND} compile --policy ${output}`}\``],
			]),
		],
		warnings,
		notes: signer.development ? [SIGNED_BY_DEVELOPMENT] : [],
	};
}

/**
 * An earlier signed policy is replaced, and any other file only by force. @throws ERR_OUTPUT_EXISTS, ERR_CATALOG_EXISTS,
 * ERR_IO
 */
function requireReplaceable(output: string, sequence: number): void {
	if (!outputExists(output)) return;
	if (!hasContent(output, MAX_SIGNED_POLICY_BYTES, isSignedPolicy))
		throw existingOutput(output, "it exists and is no signed policy; --force replaces it");
	refuseLowerSequence(output, sequence, sequenceOf(output), HIGHER_OR_FORCE);
}

/** Returns the sequence of a signed policy, whose signature is not verified, or undefined if it cannot be read. */
function sequenceOf(file: string): number | undefined {
	try {
		return policyOfSigned(parseSignedPolicy(readBounded(file, MAX_SIGNED_POLICY_BYTES), file)).sequence;
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}

function productsWarning({ products }: Policy): string[] {
	if (products.length > 0) return [];
	return [
		`it names no products, so it counts for every index on each host that trusts its signer; name them in "products"`,
	];
}
