import { buildNative, PARTS } from "../../native/native-parts.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";

/**
 * Builds the native parts. If a part cannot be built, the exit status is 3 and not 1, because sigtool can be of use
 * without this part.
 */
export async function nativeBuild(_options: OutputOptions): Promise<Report> {
	const { directory, built, complaint } = buildNative();
	const isComplete = built.length === PARTS.length && complaint === "";
	return {
		exit: isComplete ? 0 : 3,
		fields: { directory, built, complaint },
		lines: built.map((name) => `built ${escaped(`${directory}/${name}`)}`),
		problems: isComplete ? [] : [escaped(complaint)],
	};
}
