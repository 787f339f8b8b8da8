/**
 * Defines the members of a project's configuration. From this table `pnpm build` makes
 * packages/cli/sigtool.config.schema.json, and `pnpm generate` the table in docs/reference/configuration.md.
 */

import type { ObjectShape, ValueOf } from "@sigtool/core/internal";

/** The beginning of a value that names an environment variable, which has the path of the file. */
export const VARIABLE_PREFIX = "env:";

const LINE = { kind: "line", optional: true } as const;
const LINES = { kind: "list", of: { kind: "line" }, unique: "value", optional: true } as const;
const FILE_OR_VARIABLE = " A path, or `env:NAME` for the path in an environment variable.";

/** The key that signs, unless `identity` names one. A secret itself is never a member. */
const KEY = {
	kind: "object",
	optional: true,
	choice: true,
	choose: "exactly one",
	does: "The key that signs.",
	by: "sign, compile",
	members: {
		key: { ...LINE, choice: true, needs: ["cert"], does: `The private key in PEM.${FILE_OR_VARIABLE}` },
		p12: {
			...LINE,
			choice: true,
			does: `A PKCS#12 container with the key and its certificates.${FILE_OR_VARIABLE}`,
		},
		pkcs11: {
			...LINE,
			choice: true,
			does: "The URI of a key in a token, without `module-path`. The module comes from `--pkcs11-module`.",
		},
		cert: { ...LINE, does: `The certificate of the key.${FILE_OR_VARIABLE}` },
		chain: { ...LINES, does: `Intermediate certificates.${FILE_OR_VARIABLE}` },
		passphraseFile: {
			...LINE,
			does: `A file whose first line is the passphrase. Default: \`SIGTOOL_PASSPHRASE\`, else a question.${FILE_OR_VARIABLE}`,
		},
		pinFile: {
			...LINE,
			needs: ["pkcs11"],
			does: `A file whose first line is the PIN. Default: \`SIGTOOL_PIN\`, else a question.${FILE_OR_VARIABLE}`,
		},
	},
} as const satisfies ObjectShape & { readonly [name: string]: unknown };

const VERIFY = {
	kind: "object",
	optional: true,
	does: "How signatures are verified.",
	by: "verify, compile",
	members: {
		trust: {
			...LINES,
			does: "Files with the certificates of signers, or of authorities, to trust in place of the trust store. [Only a configuration that you name](#whom-to-trust) can say so.",
		},
		catalogs: {
			...LINES,
			does: "Catalogs to verify against, or directories of catalogs, or patterns of them. Default: `output`.",
		},
		requireSignatures: {
			kind: "number",
			least: 1,
			most: 999,
			optional: true,
			does: "How many different keys must have signed each entry.",
		},
		added: {
			kind: "word",
			words: ["fail", "warn", "ignore"],
			optional: true,
			does: "What becomes of files that no signature covers. Only a configuration that you name can say `warn` or `ignore`.",
			by: "verify",
		},
		maxFileBytes: {
			kind: "number",
			least: 0,
			most: Number.MAX_SAFE_INTEGER,
			optional: true,
			does: "A larger file is not read, and fails, as with `--max-size`.",
			by: "verify",
		},
		crl: { ...LINES, does: "Files with certificate revocation lists, or `fetch`." },
		ocsp: {
			kind: "word",
			words: ["require", "prefer", "off"],
			optional: true,
			does: "Whether OCSP responders are asked about revocation.",
		},
	},
} as const satisfies ObjectShape & { readonly [name: string]: unknown };

/** The project's configuration. Paths are relative to the directory of its file. */
export const CONFIGURATION = {
	kind: "object",
	choose: "at most one",
	members: {
		$schema: { ...LINE, does: "The JSON Schema of this document, for editors." },
		sign: {
			...LINES,
			does: "The directories and files that are signed and verified, or [patterns](#patterns) of them.",
			by: "sign, verify, compile",
		},
		output: {
			...LINE,
			does: "The catalog. Needed if `sign` names more than one directory. Default: `<dir>/<name>.cat`.",
			by: "sign, verify, compile",
		},
		product: {
			...LINE,
			does: "The name of the product. Default: the name of the directory.",
			by: "sign, verify, compile",
		},
		include: { ...LINES, does: "Globs. If there are any, only matching files are signed.", by: "sign" },
		exclude: { ...LINES, does: "Patterns of files to leave out, in the syntax of .gitignore.", by: "sign" },
		links: {
			kind: "word",
			words: ["record", "reject", "follow"],
			optional: true,
			does: "What to do with symbolic links. Default: `record`.",
			by: "sign",
		},
		linksOutside: {
			kind: "word",
			words: ["refuse", "record"],
			optional: true,
			does: "What to do with symbolic links to outside the tree. Default: `refuse`, with attributes alone `record`.",
			by: "sign",
		},
		formats: {
			kind: "list",
			of: { kind: "word", words: ["cat", "spython", "ima-hash", "ima", "evm", "ima-verity"] },
			unique: "value",
			least: 1,
			optional: true,
			does: "What is written: a catalog, extended attributes, or both. Default: `cat`.",
			by: "sign, verify",
		},
		description: { ...LINE, does: "The program name that is shown with the signature.", by: "sign" },
		url: { ...LINE, does: "An address for more information, shown with the signature.", by: "sign" },
		identity: {
			...LINE,
			choice: true,
			does: "The name of the identity that signs.",
			by: "sign, compile",
		},
		key: KEY,
		timestamp: {
			...LINES,
			does: "URLs of timestamping authorities (RFC 3161). When one fails, the next is asked.",
			by: "sign, compile",
		},
		timestampTrust: {
			...LINES,
			does: "Files with root certificates of timestamping authorities. For `verify`, only a configuration that you name can say so.",
			by: "sign, verify, compile",
		},
		verify: VERIFY,
		policy: { ...LINE, does: "The [policy](policy.md) of the trust index.", by: "compile" },
		development: {
			kind: "word",
			words: ["refuse"],
			optional: true,
			does: "Development identities neither sign nor are trusted.",
			by: "every command",
		},
	},
} as const satisfies ObjectShape;

export type Configuration = ValueOf<typeof CONFIGURATION>;
