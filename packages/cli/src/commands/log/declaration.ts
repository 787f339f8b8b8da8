import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { keyOptions, repeated, timestamps, timestampTrust } from "../../options/options.js";

export const LOG: CommandDeclaration = {
	name: "log",
	description: "read, filter and count audit events, and check and seal their log",
	declare(command) {
		examples(
			command,
			["sigtool log", "sigtool log --refused --since 12h", "sigtool log verify /var/log/sigtool/audit.jsonl"],
			"\nWithout one of these words `show` is meant; see `sigtool log show --help`.\n",
		);
		return undefined;
	},
	commands: [
		{
			name: "show",
			isDefault: true,
			hasReporters: true,
			description: "show events, explain refusals, or count by file, rule, signer, host or event",
			declare(command) {
				command
					.argument(
						"[log...]",
						"files of JSON lines, also compressed by gzip, - for standard input (default: that of the installed launcher)",
					)
					.option("-f, --follow", "go on with the events that come, until Ctrl-C")
					.option("--since <time>", "events from this time on: 2026-01-31T12:00:00Z, or an age such as 30m, 12h, 7d")
					.option("--until <time>", "events up to this time")
					.addOption(repeated("--event <name>", "events of this name, such as module.open_code or python.*"))
					.option("--refused", "events that were refused, or that enforcement would refuse")
					.addOption(
						new Option("--by <what>", "count, with the time of the last, instead of showing each").choices(GROUPINGS),
					)
					.addOption(
						repeated(
							"--policy <file>",
							"with --by rule: policy or trust index whose rules are listed if no event names them; further ones are supplemental",
						),
					)
					.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
				examples(
					command,
					[
						"sigtool log --refused --since 12h",
						"sigtool log --follow --refused",
						"sigtool log --by rule /var/log/sigtool/audit.jsonl*",
						"sigtool log --by rule --policy policy.json --since 90d /var/log/sigtool-hosts/*.jsonl",
						"ssh web1 cat /var/log/sigtool/audit.jsonl | sigtool log --by event -",
					],
					ABOUT_SHOW,
				);
				return async () => (await import("./log-show.js")).logShow;
			},
		},
		{
			name: "forward",
			description: "send the events of a log to syslog, the journal or OpenTelemetry, through rotation, until SIGTERM",
			declare(command) {
				command
					.argument("[log...]", "files of JSON lines that are being written (default: that of the installed launcher)")
					.addOption(
						repeated(
							"--to <url>",
							"receiver: syslog+tls://HOST:PORT, syslog+tcp://HOST:PORT, syslog+udp://HOST:PORT, journald:, otlp+https://HOST:PORT or otlp+http://HOST:PORT",
						).makeOptionMandatory(),
					)
					.option("--state <file>", "keep here how far each log was sent, so that the next start goes on there")
					.addOption(repeated("--rotated <dir>", "directory to which logs are rotated, besides that of the log"))
					.addOption(new Option("--facility <name>", "facility of messages").choices(FACILITIES).default("authpriv"))
					.option("--tls-ca <pem>", "authorities that may vouch for receivers (default: those of Node.js)")
					.option("--tls-cert <pem>", "certificate by which receivers know this host")
					.option("--tls-key <pem>", "its private key")
					.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
				examples(
					command,
					[
						"sigtool log forward /var/log/sigtool/audit.jsonl --to syslog+tls://log.example:6514 --state /var/lib/sigtool-forward/state.json",
					],
					ABOUT_FORWARD,
				);
				return async () => (await import("./log-forward.js")).logForward;
			},
		},
		{
			name: "verify",
			description: "find the first line that was edited, removed, inserted or moved",
			declare(command) {
				command
					.argument(
						"[log...]",
						"the files of one log, the oldest first, also compressed by gzip (default: that of the installed launcher)",
					)
					.addOption(
						repeated("--checkpoint <file>", "checkpoint of the log, which also shows what is missing at its end"),
					)
					.addOption(
						repeated(
							"--trust <file>",
							"key or certificate that may have signed it: a public key of Ed25519, a verifier key, or certificates (default: the trust store)",
						),
					)
					.option("--origin <name>", "refuse a checkpoint of another log")
					.addOption(timestampTrust())
					.option("--at <time>", "judge certificates at this time, e.g. 2026-01-31T12:00:00Z")
					.option("--no-development", "trust no development identity; as SIGTOOL_DEVELOPMENT=refuse does")
					.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
				examples(
					command,
					[
						"sigtool log verify /var/log/sigtool/audit.jsonl.1.gz /var/log/sigtool/audit.jsonl",
						"sigtool log verify audit.jsonl --checkpoint audit.jsonl.checkpoint --trust log-key.pub",
					],
					ABOUT_VERIFY,
				);
				return async () => (await import("./log-verify.js")).logVerify;
			},
		},
		{
			name: "seal",
			description: "sign a checkpoint of a log, which later shows any change of what is there now",
			declare(command) {
				keyOptions(command)
					.argument("[log...]", "the files of one log, the oldest first")
					.requiredOption("-o, --output <file>", "the checkpoint; an earlier one of the log is replaced")
					.option("--origin <name>", "name of the log, without spaces and + (default: host and path of the last file)")
					.option("--unsigned", "write only the text that is to be signed, for --text on another host")
					.option("--text <file>", "sign this text instead of reading a log")
					.option("--force", "replace a checkpoint that is not an earlier one of this log")
					.addOption(timestamps())
					.addOption(timestampTrust());
				examples(
					command,
					[
						"sigtool log seal audit.jsonl -o audit.jsonl.checkpoint --key log-key.pem",
						"sigtool log seal audit.jsonl -o audit.jsonl.checkpoint --signer-command ./sign --cert release.crt",
						"sigtool log seal audit.jsonl -o audit.text --unsigned",
					],
					ABOUT_SEAL,
				);
				return async () => (await import("./log-seal.js")).logSeal;
			},
		},
		{
			name: "tiles",
			description: "write the Merkle tree of a log as tiles, from which witnesses and monitors compute proofs",
			declare(command) {
				command
					.argument("<log...>", "the files of one log, the oldest first")
					.requiredOption("-o, --output <dir>", "directory of the tiles; what it has of this log already is kept")
					.option("--checkpoint <file>", "checkpoint that the tiles belong to; it is copied beside them");
				examples(command, ["sigtool log tiles audit.jsonl -o ./tiles --checkpoint audit.jsonl.checkpoint"]);
				return async () => (await import("./log-tiles.js")).logTiles;
			},
		},
	],
};

/** A copy of the list in events/tally.ts. It is copied because that module is not loaded to print help. */
const GROUPINGS = ["file", "rule", "signer", "host", "event"];

/** A copy of the names in forward/syslog-message.ts, for the same reason. */
const FACILITIES = [
	...["user", "daemon", "auth", "authpriv"],
	...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
];

const ABOUT_FORWARD = `
The file is the queue, so a receiver that is away delays nobody, and gets the lines later. Each line is sent as it is.
docs/reference/forwarding.md says what each receiver gets.
`;

const ABOUT_SHOW = `
The word \`show\` may be left out. Lines that are no events are counted and named. Whoever can write a
log can say anything in it: \`log verify\` tells if its lines are as the collector wrote them.
`;

const ABOUT_VERIFY = `
Exit status: 0 if every line is covered or is among the last; 1 if the log was changed; 3 if nothing can tell. Without a
checkpoint, lines that are missing at the end cannot be found.
`;

const ABOUT_SEAL = `
A private key of Ed25519 signs with --key alone, as witnesses demand. Any other key needs its certificate, as for \`sign\`.
`;
