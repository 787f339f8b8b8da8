import { buildNative } from "../../native/native-parts.js";
import { type OutputOptions, plain, type Report } from "../../output/output.js";

/** Exit status 3 where something could not be built: nobody can tell whether it is needed. */
export async function nativeBuild(_options: OutputOptions): Promise<Report> {
	const { directory, built, complaint } = buildNative();
	const isComplete = built.length === 2 && complaint === "";
	return {
		exit: isComplete ? 0 : 3,
		fields: { directory, built, complaint },
		lines: built.map((name) => `built ${plain(`${directory}/${name}`)}`),
		problems: isComplete ? [] : [plain(complaint)],
	};
}
