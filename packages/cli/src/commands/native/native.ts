import { buildNative } from "../../native/build-native.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";

export interface NativeBuildOptions extends OutputOptions {
	readonly fromSource?: boolean;
}

/**
 * Builds the native parts. If a part cannot be built, the exit status is 3 and not 1, because sigtool can be of use
 * without this part.
 */
export async function nativeBuild({ fromSource = false }: NativeBuildOptions): Promise<Report> {
	const { files, prebuilt, complaint } = buildNative({ fromSource });
	const done = prebuilt ? "prebuilt" : "built";
	return {
		exit: complaint === "" ? 0 : 3,
		fields: { files, prebuilt, complaint },
		lines: files.map((file) => `${done} ${escaped(file)}`),
		problems: complaint === "" ? [] : complaint.split("\n").map((line) => escaped(line)),
	};
}
