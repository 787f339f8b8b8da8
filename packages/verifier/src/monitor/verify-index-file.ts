import { MAX_TRUST_INDEX_BYTES, namingErrors, readBounded } from "@sigtool/core/internal/read";
import { type TrustIndexVerifyOptions, type VerifiedTrustIndex, verifyTrustIndex } from "@sigtool/core/read";

/** Reads and verifies a trust index. Each error names the file. @throws the errors of `readBounded` and `verifyTrustIndex` */
export function verifyIndexFile(file: string, options: TrustIndexVerifyOptions): VerifiedTrustIndex {
	const bytes = readBounded(file, MAX_TRUST_INDEX_BYTES);
	return namingErrors("trust index", file, () => verifyTrustIndex(bytes, options));
}
