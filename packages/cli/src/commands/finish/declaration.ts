import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { keyOptions, timestamps, timestampTrust } from "../../options/options.js";

export const FINISH: CommandDeclaration = {
	name: "finish",
	description: "sign a catalog or a trust index that was written with --unsigned",
	hasReporters: true,
	declare(command) {
		keyOptions(command)
			.argument("<file>", "the unsigned catalog or index; it is replaced by the signed one")
			.option("-o, --output <file>", "write the signed file here instead")
			.option("--expect-digest <sha256>", "refuse unless the unsigned file has this digest")
			.option("--previous <file>", "show what changed since this catalog or index")
			.option("--require-newer", "refuse unless that shows a newer release of the same product under the same rules")
			.option("--description <text>", "program name shown with the signature")
			.option("--url <url>", "more information, shown with the signature")
			.addOption(timestamps())
			.addOption(timestampTrust());
		examples(command, [
			"sigtool finish lib.cat --key release.pem --cert release.crt --expect-digest 3b0c…",
			"sigtool finish app.sigx --key release.pem --cert release.crt --expect-digest 3b0c… --previous last/app.sigx",
			"sigtool finish lib.cat --p12 release.p12 --previous last/lib.cat --require-newer",
		]);
		return async () => (await import("./finish.js")).finish;
	},
};
