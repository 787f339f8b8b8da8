import { MODES } from "@sigtool/core";
import type { Command } from "commander";
import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { group, keyOptions, repeated, timestamps, timestampTrust } from "../../options/options.js";

function policies(command: Command): Command {
	return command.addOption(
		repeated("--policy <file>", "policy; further ones are supplemental (default: that of the index)"),
	);
}

export const POLICY: CommandDeclaration = {
	name: "policy",
	description: "write policies, and see what they decide before anything is refused",
	declare(command) {
		examples(command, ["sigtool policy check policy.json", "sigtool policy test events.jsonl --policy policy.json"]);
		return undefined;
	},
	commands: [
		{
			name: "init",
			description: "write a policy to begin with, which refuses nothing yet",
			declare(command) {
				command
					.option("-o, --output <file>", "file to write", "policy.json")
					.addOption(new Option("--mode <mode>", "the mode of the policy").choices(MODES).default("audit"))
					.option("--force", "replace the file");
				examples(command, ["sigtool policy init", "sigtool policy init --mode enforce -o site-policy.json"]);
				return async () => (await import("./policy-init.js")).policyInit;
			},
		},
		{
			name: "check",
			description: "check a policy, with supplemental ones, and tell what ends or has no effect",
			declare(command) {
				command.argument("<policy...>", "the base policy, then supplemental ones");
				examples(command, ["sigtool policy check policy.json", "sigtool policy check base.json team.json"]);
				return async () => (await import("./policy-check.js")).policyCheck;
			},
		},
		{
			name: "sign",
			description: "merge policies and sign the result, for hosts that demand signed policies",
			declare(command) {
				keyOptions(command)
					.argument("<policy...>", "the base policy, then supplemental ones")
					.requiredOption("-o, --output <file>", "file for the signed policy, e.g. app.policy")
					.option("--sequence <n>", "sequence of the policy, which grows with each one (default: the time in seconds)")
					.addOption(timestamps())
					.addOption(timestampTrust())
					.option("--force", "replace a file that is not a signed policy, or has a higher sequence");
				group(command, { Timestamp: ["timestamp", "tsaTrust"] });
				examples(command, [
					"sigtool policy sign policy.json -o app.policy --key policy-key.pem --cert policy.crt",
					"sigtool policy sign base.json team.json -o app.policy --identity policy",
				]);
				return async () => (await import("./policy-sign.js")).policySign;
			},
		},
		{
			name: "explain",
			description: "say which rule decides about a file, which others match, and what would change it",
			declare(command) {
				policies(command.argument("<file|event>", "a file, an event as JSON, or - for one on standard input")).option(
					"--index <file>",
					"trust index, which says what is signed and by whom; its signature is not verified",
				);
				examples(command, [
					"sigtool policy explain /srv/app/lib/a.js --index app.sigx",
					"sigtool policy explain /srv/app/lib/a.js --index app.sigx --policy new.json",
					"grep lib/a.js events.jsonl | tail -n 1 | sigtool policy explain - --policy new.json",
				]);
				return async () => (await import("./policy-explain.js")).policyExplain;
			},
		},
		{
			name: "diff",
			description: "show what differs between two policies, and for which files they decide differently",
			declare(command) {
				command
					.argument("<before>", "a policy, or a trust index")
					.argument("<after>", "another one")
					.option("--index <file>", "trust index with the files to decide about");
				examples(command, [
					"sigtool policy diff old.json new.json",
					"sigtool policy diff app.sigx new.json --index app.sigx",
				]);
				return async () => (await import("./policy-diff.js")).policyDiff;
			},
		},
		{
			name: "test",
			description: "judge logged events by a policy, and print what would have been refused",
			declare(command) {
				policies(command.argument("<log...>", "files of events, - for standard input")).option(
					"--index <file>",
					"trust index, which has the signers and a policy; its signature is not verified",
				);
				examples(
					command,
					[
						"sigtool policy test /var/log/sigtool/events.jsonl --policy new.json",
						"journalctl -u app | sigtool policy test - --policy base.json --policy team.json",
					],
					ABOUT_TESTING,
				);
				return async () => (await import("./policy-test.js")).policyTest;
			},
		},
		{
			name: "learn",
			description: "make the smallest policy under which a logged run passes, and list what has to be signed",
			declare(command) {
				command
					.argument("<log...>", "files of events of runs in mode audit, - for standard input")
					.option("--index <file>", "trust index of these runs, so that rules name the signer of each product")
					.option("-o, --output <file>", "file for the policy (default: it is printed)")
					.option("--owner <text>", "who answers for the rules")
					.option("--expires <day>", "the last day of the rules, such as 2027-06-30")
					.option("--cwd <dir>", "working directory of these runs, for the relative paths that they wrote to")
					.option("--force", "replace the file");
				examples(
					command,
					[
						"sigtool policy learn events.jsonl",
						'sigtool policy learn events.jsonl --index app.sigx --owner "Web team" -o policy.json',
					],
					ABOUT_LEARNING,
				);
				return async () => (await import("./policy-learn.js")).policyLearn;
			},
		},
	],
};

const ABOUT_LEARNING = `
The commands that are printed sign with this machine's development identity, and their index accepts it. For a release give
both commands its key, such as --key and --cert, in place of --allow-development.
`;

const ABOUT_TESTING = `
Exit status 1 means that something would have been refused. A program that starts another one gets an error in place of a refusal
that ends it (runtime.children), so such a line begins with "fails" and does not change the exit status. Each event is judged as in mode enforce, or strict if the
policy says so. What the host or the file system decided is taken from the log. Whoever can write the log can say anything
in it.
`;
