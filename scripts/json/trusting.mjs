/** The documents of commands about identities, trust and the configuration of a project. */

import { elsewhere, list, object, optional, orNull, sha256, text, time, truth, words } from "./shapes.mjs";

const identity = {
	name: text("The name."),
	subject: text("The subject of the certificate."),
	issuer: text("The subject of the authority that issued it."),
	notBefore: time("The first moment at which it is valid."),
	notAfter: time("The last moment at which it is valid."),
	spkiSha256: sha256("The pin."),
	development: truth("True for a development identity."),
	issuers: list("The subjects of the intermediate certificates.", text("A subject.")),
	keyFile: text("The path of the private key."),
	certificateFile: text("The path of the certificate."),
};

const trusted = {
	id: text("The id, which `trust remove` takes."),
	kind: words("The kind.", "pin", "authority", "timestamps"),
	label: text("The name."),
	added: orNull(text("The time at which it was added.")),
	source: text("Where it comes from."),
	subject: optional(orNull(text("The subject that an authority may vouch for. Null for any."))),
};
const denial = object("A denial.", {
	id: text("The id."),
	kind: { const: "denied" },
	denied: words("The kind of what is denied.", "file", "key", "certificate", "catalog"),
	sha256: sha256("Its digest."),
	reason: text("The reason."),
	added: orNull(text("The time at which it was added.")),
	source: text("Where it comes from."),
});
const entry = { anyOf: [object("A trusted pin or authority.", trusted), denial] };

const one = (about) => ({ about, results: [object("The identity.", identity)] });

export const TRUSTING = {
	completion: {
		about: "Prints the completion for a shell.",
		results: [
			object("The completion.", {
				shell: words("The shell.", "bash", "zsh", "fish", "powershell"),
				script: text("The script."),
			}),
		],
	},
	init: {
		about: "Writes the configuration of a project.",
		results: [
			object("The configuration.", {
				configuration: text("The path of the file."),
				members: elsewhere("Its members (configuration.md)."),
			}),
		],
	},
	config: {
		about: "Shows the values that hold for a project.",
		results: [
			object("The values.", {
				configuration: orNull(
					object("The configuration.", {
						file: text("The path of the file."),
						origin: text("How it was found: `found`, or the option or variable that names it."),
					}),
				),
				values: list(
					"The values.",
					object("A value.", {
						name: text("The member, with dots."),
						value: { description: "The value, as the configuration has it." },
						from: text("Where it comes from: a file with its line, a variable, or `default`."),
						note: optional(text("A fact that the user has to know.")),
					}),
				),
			}),
		],
	},
	"identity new": one("Makes an identity."),
	"identity show": one("Shows an identity."),
	"identity import": one("Takes an identity from files."),
	"identity list": {
		about: "Lists identities.",
		results: [object("The identities.", { identities: list("The identities.", object("An identity.", identity)) })],
	},
	"identity csr": {
		about: "Makes a certificate request.",
		results: [object("The request.", { name: text("The name."), request: text("The request in PEM.") })],
	},
	"identity export": {
		about: "Writes an identity into a PKCS#12 container.",
		results: [object("The identity.", { ...identity, container: text("The path of the container.") })],
	},
	"trust add": {
		about: "Trusts a certificate, a pin or an authority.",
		results: [
			object("The entry.", {
				...trusted,
				denials: list("The denials because of which it stays denied.", denial),
			}),
		],
	},
	"trust list": {
		about: "Lists what is trusted and denied.",
		results: [object("The entries.", { trusted: list("The entries.", entry) })],
	},
	"trust remove": {
		about: "Removes entries.",
		results: [object("The entries.", { removed: list("The entries that were removed.", entry) })],
	},
	"trust deny": {
		about: "Denies a file, key, certificate or catalog.",
		results: [
			object("The denials.", {
				config: orNull(text("The host configuration that was changed.")),
				denied: list(
					"The denials.",
					object("A denial.", {
						kind: words("The kind of what is denied.", "file", "key", "certificate", "catalog"),
						sha256: sha256("Its digest."),
						reason: text("The reason."),
					}),
				),
				indexes: optional(list("The trust indexes that hold it, as far as they are known.", elsewhere("An index."))),
			}),
		],
	},
};
