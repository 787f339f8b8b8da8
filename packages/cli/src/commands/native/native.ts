import { buildNative } from "../../native/native-parts.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";

/**
 * Builds the native parts. The exit status is 3 when one cannot be built, because that is no failure where it is not
 * needed.
 */
export async function nativeBuild(_options: OutputOptions): Promise<Report> {
	const { directory, built, complaint } = buildNative();
	const isComplete = built.length === 2 && complaint === "";
	return {
		exit: isComplete ? 0 : 3,
		fields: { directory, built, complaint },
		lines: built.map((name) => `built ${escaped(`${directory}/${name}`)}`),
		problems: isComplete ? [] : [escaped(complaint)],
	};
}
