/**
 * Programs load this module as `@sigtool/core`. It exports everything that `../index.js` exports. The functions that
 * are named below, and those of `./read.js`, check their arguments before they run.
 */

import type { KeyObject } from "node:crypto";
import type { CompileOptions } from "../compile/compile.js";
import * as unchecked from "../index.js";
import {
	bytes,
	type Check,
	callback,
	checkedFunctions,
	either,
	finiteNumber,
	listOf,
	made,
	type ObjectChecks,
	object,
	oneOf,
	optional,
	sha256Text,
	shaped,
	someOf,
	text,
	textLike,
	truth,
	wholeNumber,
} from "../options/check.js";
import type { OpenUnsignedOptions } from "../sign/finish.js";
import type { CommandSignerOptions } from "../signer/command.js";
import type { IdentityOptions } from "../signer/identity/identities.js";
import type { ExportOptions, ImportOptions } from "../signer/identity/identity-exchange.js";
import type { PemSignerOptions } from "../signer/pem.js";
import type { Pkcs11SignerOptions } from "../signer/pkcs11/pkcs11.js";
import type { Pkcs12SignerOptions } from "../signer/pkcs12/pkcs12.js";
import type { SignerOptions } from "../signer/signer.js";
import {
	attributeFormat,
	catalogMembers,
	certificate,
	certificates,
	denial,
	development,
	duration,
	milliseconds,
	naming,
	onProgress,
	path,
	paths,
	revocation,
	signal,
	somePaths,
	texts,
	trust,
} from "./shapes.js";

export * from "../index.js";
export {
	certificatesFromFileBytes,
	certificatesFromPem,
	digestFile,
	inspectAttributes,
	inspectCatalog,
	inspectCatalogFile,
	isDevelopmentCertificate,
	normalizeNameText,
	parseCertificate,
	policyFromFileBytes,
	revocationListsFromFileBytes,
	spkiSha256,
	trustFromCertificates,
	verifyAttributes,
	verifyCatalog,
	verifyPath,
	verifyTrustIndex,
} from "./read.js";

const signer = made<unchecked.Signer>("a signer, such as openPemSigner() opens", "sign", "begin", "certificates");
const signerOrNone = either(
	made<unchecked.Signer>('a signer, such as openPemSigner() opens, or "none" for an unsigned catalog', "sign", "begin"),
	oneOf("none"),
);
const signerOfIndex = either(
	made<unchecked.Signer>('a signer, such as openPemSigner() opens, or "none" for an unsigned index', "sign", "begin"),
	oneOf("none"),
);
const signerMembers: ObjectChecks<SignerOptions> = { unfit: optional(oneOf("refuse", "allow")) };
const passphrase = callback<unchecked.PassphraseSource>();
const passphraseOf = callback<ImportOptions["passphraseOf"]>();
const chainFiles = optional(paths);
const onWarning: Check<((text: string) => void) | undefined> = optional(callback());
const timestamp = object<unchecked.TimestampRequest>(
	{ urls: texts, anchors: certificates, deny: optional(listOf(denial)), timeoutMs: optional(duration) },
	"a request for a timestamp, { urls, anchors }",
);
const programMembers: ObjectChecks<unchecked.ProgramInfo> = { description: optional(text), url: optional(text) };
const ownOrAny = optional(oneOf("own", "any"));
const signFormats = optional(someOf(either(oneOf("cat"), attributeFormat), "a list of formats"));
/**
 * Accepts a digest as `openUnsigned()` does: in upper or lower case, and with or without the prefix `sha256:`, with
 * which `sigtool sign` reports the digest of an unsigned catalog.
 */
const expectedDigest = textLike(/^(sha256:)?[0-9a-f]{64}$/i, "a SHA-256 in 64 hexadecimal digits");
const unsignedIndex = made<unchecked.UnsignedIndex>("what openUnsignedIndex() returns", "content", "index");
const unsignedCatalog = made<unchecked.UnsignedCatalog>("what openUnsigned() returns", "list", "facts");

const signOptions = object<unchecked.SignOptions>({
	...naming,
	...programMembers,
	formats: signFormats,
	digest: optional(oneOf("sha256", "sha384", "sha512")),
	carry: optional(oneOf("ima")),
	output: optional(path),
	signer: signerOrNone,
	include: optional(texts),
	exclude: optional(texts),
	files: optional(paths),
	packed: optional(paths),
	links: optional(oneOf("record", "reject", "follow")),
	linksOutside: optional(oneOf("refuse", "record")),
	caseCollisions: optional(oneOf("refuse", "allow")),
	product: optional(text),
	sequence: optional(wholeNumber(0)),
	sha1Twins: optional(oneOf("omit", "write")),
	prepare: optional(callback()),
	timestamp: optional(timestamp),
	overwrite: ownOrAny,
	time: optional(milliseconds),
	onProgress,
	signal,
});

const compileTargetMembers: ObjectChecks<Omit<CompileOptions, "trust" | "signer">> = {
	output: path,
	catalogs: optional(somePaths),
	product: optional(text),
	requiredSigners: optional(wholeNumber(1)),
	revocation,
	development,
	onProgress,
	signal,
	adopt: optional(paths),
	adoptPackages: optional(texts),
	packageChanges: optional(oneOf("refuse", "accept")),
	stripTypesWith: optional(paths),
	policy: optional(made<unchecked.Policy>("a policy, which parsePolicy() returns", "version", "files")),
	signedPolicy: optional(object<unchecked.SignedPolicy>({ document: text, signature: bytes })),
	notAfter: optional(milliseconds),
	sequence: optional(wholeNumber(0)),
	overwrite: ownOrAny,
	time: optional(milliseconds),
	timestamp: optional(timestamp),
};

type NewAuthority = Extract<unchecked.NewTrust, { timestampAuthority: unknown }>;
type NewCertificate = Extract<unchecked.NewTrust, { certificate: unknown }>;
type NewPin = Extract<unchecked.NewTrust, { spkiSha256: unknown }>;
const newAuthority = object<NewAuthority>({ timestampAuthority: certificate, label: optional(text) });
const newCertificate = object<NewCertificate>({
	certificate,
	subject: optional(text),
	anySubject: optional(truth),
	label: optional(text),
});
const newPin = object<NewPin>({ spkiSha256: sha256Text, label: optional(text) });
const newTrust = shaped<unchecked.NewTrust>((value) => {
	return "timestampAuthority" in value ? newAuthority : "certificate" in value ? newCertificate : newPin;
});

type KeyFiles = Extract<unchecked.ImportSource, { keyFile: unknown }>;
type ContainerFile = Extract<unchecked.ImportSource, { containerFile: unknown }>;
const keyFiles = object<KeyFiles>({ keyFile: path, certFile: path });
const containerFile = object<ContainerFile>({ containerFile: path });
const importSource = shaped<unchecked.ImportSource>((value) => ("containerFile" in value ? containerFile : keyFiles));

export const {
	addTrust,
	compileTrustIndex,
	convertCatalog,
	createIdentity,
	denyTrust,
	examineSystem,
	exportIdentity,
	finishCatalog,
	finishIndex,
	importCertificate,
	importIdentity,
	openCommandSigner,
	openPemSigner,
	openPkcs11Signer,
	openPkcs12Signer,
	openUnsigned,
	openUnsignedIndex,
	parsePkcs11Uri,
	removeTrust,
	requestForIdentity,
	restoreAttributes,
	showIdentity,
	signerFromKey,
	signPaths,
	stripAttributes,
	timestampAnchors,
	timestampCatalog,
} = checkedFunctions(unchecked, {
	addTrust: [["options", newTrust]],
	compileTrustIndex: [
		["directories", somePaths],
		["options", object<CompileOptions>({ ...compileTargetMembers, trust, signer: signerOfIndex })],
	],
	convertCatalog: [
		["file", path],
		[
			"options",
			object<unchecked.ConvertOptions>({
				...catalogMembers,
				output: path,
				contentFile: optional(path),
				overwrite: optional(oneOf("refuse", "any")),
			}),
		],
	],
	createIdentity: [
		["name", text],
		[
			"options",
			object<IdentityOptions>({
				keyType: oneOf("rsa-3072", "p256", "p384"),
				subject: text,
				days: wholeNumber(1),
				role: optional(oneOf("signer", "authority")),
				issuedBy: optional(text),
				passphrase: optional(passphrase),
			}),
		],
	],
	denyTrust: [["options", denial]],
	examineSystem: [["path", path]],
	exportIdentity: [
		["name", text],
		["options", object<ExportOptions>({ output: path, passphrase: text, overwrite: optional(oneOf("refuse", "any")) })],
	],
	finishCatalog: [
		["catalog", unsignedCatalog],
		[
			"options",
			object<unchecked.FinishOptions>({
				...programMembers,
				signer,
				output: optional(path),
				timestamp: optional(timestamp),
				signal,
			}),
		],
	],
	finishIndex: [
		["unsigned", unsignedIndex],
		[
			"options",
			object<unchecked.FinishIndexOptions>({
				signer,
				output: optional(path),
				time: optional(milliseconds),
				timestamp: optional(timestamp),
				signal,
			}),
		],
	],
	importCertificate: [
		["name", text],
		["files", somePaths],
	],
	importIdentity: [
		["name", text],
		["source", importSource],
		["options", object<ImportOptions>({ chainFiles: paths, passphraseOf, onWarning })],
	],
	openCommandSigner: [
		[
			"options",
			object<CommandSignerOptions>({
				...signerMembers,
				program: text,
				args: optional(texts),
				certFile: path,
				chainFiles,
				timeoutMs: optional(duration),
			}),
		],
	],
	openPemSigner: [
		[
			"options",
			object<PemSignerOptions>({
				...signerMembers,
				keyFile: path,
				certFile: path,
				chainFiles,
				passphrase: optional(passphrase),
				onWarning,
			}),
		],
	],
	openPkcs11Signer: [
		[
			"options",
			object<Pkcs11SignerOptions>({
				...signerMembers,
				uri: object<unchecked.Pkcs11Uri>(
					{
						token: optional(text),
						manufacturer: optional(text),
						model: optional(text),
						serial: optional(text),
						slotId: optional(finiteNumber),
						object: optional(text),
						id: optional(bytes),
						modulePath: optional(path),
						pinFile: optional(path),
					},
					"a URI that parsePkcs11Uri() returns",
				),
				modulePath: optional(path),
				certFile: optional(path),
				chainFiles,
				pin: callback(),
				timeoutMs: optional(duration),
				onWarning,
			}),
		],
	],
	openPkcs12Signer: [
		["options", object<Pkcs12SignerOptions>({ ...signerMembers, file: path, chainFiles, passphrase, onWarning })],
	],
	openUnsigned: [
		["file", path],
		["options", optional(object<OpenUnsignedOptions>({ expectDigest: optional(expectedDigest) }))],
	],
	openUnsignedIndex: [
		["file", path],
		["options", optional(object<OpenUnsignedOptions>({ expectDigest: optional(expectedDigest) }))],
	],
	parsePkcs11Uri: [["text", text]],
	removeTrust: [["idOrPrefix", text]],
	requestForIdentity: [
		["name", text],
		["passphraseOf", passphraseOf],
	],
	restoreAttributes: [
		["path", path],
		[
			"options",
			object<unchecked.RestoreOptions>({
				...catalogMembers,
				catalogs: optional(somePaths),
				root: optional(path),
				onProgress,
			}),
		],
	],
	showIdentity: [["name", text]],
	signerFromKey: [
		["key", made<KeyObject>("a KeyObject of node:crypto", "type", "export")],
		["certificates", certificates],
		["options", optional(object<SignerOptions>(signerMembers))],
	],
	signPaths: [
		["paths", somePaths],
		["options", signOptions],
	],
	stripAttributes: [
		["path", path],
		["options", object<unchecked.StripOptions>({ ...naming, formats: someOf(attributeFormat, "a list of formats") })],
	],
	timestampAnchors: [["trust", trust]],
	timestampCatalog: [
		["file", path],
		[
			"options",
			object<unchecked.TimestampOptions>({
				request: timestamp,
				existing: optional(oneOf("refuse", "replace")),
				signal,
			}),
		],
	],
});
