import { lstatSync, realpathSync } from "node:fs";
import {
	type CarriedAttribute,
	type CatalogFileInspection,
	type InspectedAttribute,
	type InspectedMember,
	type InspectedSigner,
	inspectAttributes,
	inspectCatalogFile,
} from "@sigtool/core";
import { COMMAND, quote, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import type { StreamedList } from "../../output/json-pieces.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { count, isoTime, timestampClaim, timestampClaimFields } from "../../output/render.js";
import { colour } from "../../output/terminal.js";

/**
 * Returns the content of a catalog, the integrity attributes of a file, or both, as a tree and as JSON. Nothing of this
 * is verified. A `.sigx` file is a trust index and is left to `inspectIndex`, which verifies it. If the path is a
 * symbolic link, follows the link and says so.
 */
export async function inspect(file: string, options: OutputOptions): Promise<Report> {
	if (file.endsWith(".sigx")) return (await import("./inspect-index.js")).inspectIndex(file, options);
	const attributes = await attributesOf(file);
	const inspection = catalogOf(file, attributes);
	const isUnread = attributes instanceof SigtoolError;
	const target = lstatSync(file).isSymbolicLink() ? realpathSync(file) : undefined;
	return {
		exit: 0,
		fields: {
			...(inspection === undefined ? { file } : { catalog: file }),
			linkTo: target ?? null,
			verified: false,
			...(inspection && jsonOf(inspection)),
			extendedAttributes: isUnread ? null : attributes,
			...(isUnread && { extendedAttributesError: { code: attributes.code, message: attributes.message } }),
		},
		lines: [
			escaped(file),
			...treeLines([
				...(target === undefined ? [] : [leaf("link to", escaped(target))]),
				...(inspection === undefined ? [leaf("status", UNVERIFIED)] : treeOf(inspection, options)),
				...(isUnread
					? [leaf("attributes", `not looked at: ${reasonOf(attributes)}`)]
					: attributes.map((each) => attributeBranch(each, options))),
			]),
		],
	};
}

const UNVERIFIED = `not verified; use \`${COMMAND} verify\``;

/**
 * Reads the integrity attributes of a file. If only the attributes cannot be read, returns the error and does not throw
 * it, because the file may still be a catalog.
 * @throws ERR_ROOT_MISSING, ERR_FILE_TYPE, ERR_IO
 */
async function attributesOf(file: string): Promise<InspectedAttribute[] | SigtoolError> {
	try {
		return await inspectAttributes(file);
	} catch (error) {
		if (error instanceof SigtoolError && error.code.startsWith("ERR_ATTRIBUTE")) return error;
		throw error;
	}
}

/**
 * Reads the catalog in a file. Returns undefined if the file is no catalog but has attributes to show.
 * @throws an error of `nothingIn` if there is nothing to show; ERR_IO
 */
function catalogOf(file: string, attributes: InspectedAttribute[] | SigtoolError): CatalogFileInspection | undefined {
	try {
		return inspectCatalogFile(file);
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.code === "ERR_IO") throw error;
		if (attributes instanceof SigtoolError || attributes.length === 0) throw nothingIn(file, error, attributes);
		return undefined;
	}
}

/**
 * Makes the error for a file that has nothing to show. If the name of the file or its size shows that it is meant to be
 * a catalog, the message says what is wrong with the catalog. If the file is a certificate, a private key or a
 * container, the message says so.
 */
function nothingIn(file: string, cause: SigtoolError, attributes: InspectedAttribute[] | SigtoolError): SigtoolError {
	const reason = cause.message.replace(`Cannot read ${quote(file)}: `, "");
	const isNamed = file.endsWith(".cat") || cause.code === "ERR_LIMIT" || KEY_MATERIAL.test(reason);
	const without = isNamed ? "" : " and has no attributes of spython, IMA or EVM";
	const rest =
		attributes instanceof SigtoolError ? `; its attributes were not looked at: ${reasonOf(attributes)}` : without;
	const other = file.endsWith(".policy") ? `; \`${COMMAND} policy check\` shows a policy` : "";
	const message = `Cannot inspect ${quote(file)}: ${isNamed ? reason : "it is no catalog"}${rest}${other}`;
	return new SigtoolError(cause.code, message, { cause, path: file });
}

const KEY_MATERIAL = /^it is (a certificate|a private key|a PKCS#12 container)/;

function attributeBranch(attribute: InspectedAttribute, { verbose }: OutputOptions): Branch {
	const { name, sizeBytes, value, truncated, kind, algorithm, digest, keyId, signatureBytes, problem } = attribute;
	const facts: [string, string | undefined][] = [
		["algorithm", algorithm],
		["digest", digest],
		["key id", keyId],
		["signature", signatureBytes === undefined ? undefined : count(signatureBytes, "byte")],
		["problem", problem && escaped(problem)],
		["value", verbose === true ? `${value}${truncated ? "…" : ""}` : undefined],
	];
	return {
		label: `${escaped(name)}: ${kind}, ${count(sizeBytes, "byte")}`,
		children: facts.flatMap(([label, text]) => (text === undefined ? [] : [leaf(label, text)])),
	};
}

/** A line in the tree: its label, and the lines below it. */
interface Branch {
	readonly label: string;
	readonly children?: readonly Branch[];
}

/** The largest number of members that are shown without --verbose. */
const SHOWN_MEMBERS = 50;

function treeOf(inspection: CatalogFileInspection, options: OutputOptions): Branch[] {
	const { version, listId, thisUpdate, attributes, facts, members, carried, signers, certificates, anomalies } =
		inspection;
	// With --json the tree is not printed, so no members are read for it.
	const most = options.json === true ? 0 : options.verbose === true ? members.count : SHOWN_MEMBERS;
	const shown = firstOf(members, most);
	const rest = members.count - shown.length;
	const branches: Branch[] = [
		leaf("status", UNVERIFIED),
		leaf("version", String(version)),
		leaf("list id", listId),
		leaf("time", isoTime(thisUpdate)),
	];
	if (facts !== undefined) {
		branches.push(leaf("product", `${escaped(facts.product ?? "(none)")}, sequence ${facts.sequence ?? "(none)"}`));
	}
	if (carried.files > 0) {
		branches.push(
			leaf("carries", `${count(carried.attributes, "extended attribute")} of ${count(carried.files, "file")}`),
		);
	}
	branches.push(
		{
			label: count(attributes.length, "catalog attribute"),
			children: attributes.map(({ name, value }) => leaf(escaped(name), escaped(value))),
		},
		{
			label: count(members.count, "member"),
			children: [
				...shown.map((member) => memberBranch(member, options)),
				...(rest > 0 ? [{ label: `… ${count(rest, "more member")}; --verbose or --json shows all` }] : []),
			],
		},
		...(signers.length === 0 ? [{ label: "not signed" }] : signers.map(signerBranch)),
		{
			label: count(certificates.length, "certificate"),
			children: certificates.map(({ subject, issuer, notBefore, notAfter, spkiSha256, signer, development }) => ({
				label: `${escaped(subject)}${development ? " (development)" : ""}${signer ? " (the signer's)" : ""}`,
				children: [
					leaf("issuer", escaped(issuer)),
					leaf("valid", `${isoTime(notBefore)} to ${isoTime(notAfter)}`),
					leaf("pin", spkiSha256),
				],
			})),
		},
	);
	if (anomalies.length > 0) {
		branches.push({
			label: count(anomalies.length, "anomaly", "anomalies"),
			children: anomalies.map((label) => ({ label: escaped(label) })),
		});
	}
	return branches;
}

function firstOf<T>(items: Iterable<T>, most: number): T[] {
	const first: T[] = [];
	if (most === 0) return first;
	for (const item of items) if (first.push(item) === most) break;
	return first;
}

function memberBranch(member: InspectedMember, { verbose }: OutputOptions): Branch {
	const { digest, digestAlgorithm, subject, name, attributes, carried } = member;
	const others = attributes.filter(({ value }) => value !== name);
	return {
		label: `${digestAlgorithm}:${digest} ${subject}${name === undefined ? "" : ` ${escaped(name)}`}`,
		children: [
			...others.map((attribute) => leaf(escaped(attribute.name), escaped(attribute.value))),
			...carried.map(({ name, value }) => {
				return leaf("carries", `${name}, ${count(value.length, "byte")}${verbose === true ? ` ${base64(value)}` : ""}`);
			}),
		],
	};
}

function signerBranch(signer: InspectedSigner): Branch {
	return {
		label: `signed by ${escaped(signer.subject ?? "(no certificate for it)")}`,
		children: [
			...(signer.spkiSha256 === undefined ? [] : [leaf("pin", signer.spkiSha256)]),
			leaf("digest", algorithm(signer.digestAlgorithm, signer.digestAlgorithmName)),
			leaf("signature", algorithm(signer.signatureAlgorithm, signer.signatureAlgorithmName)),
			...signer.timestamps.map((timestamp) => leaf("timestamp", timestampClaim(timestamp))),
			...signer.nestedSignatures.map(({ signers }) => leaf("nested signature", escaped(signers.join("; ")))),
		],
	};
}

function algorithm(oid: string, name: string | undefined): string {
	return name === undefined ? oid : `${name} (${oid})`;
}

function leaf(name: string, value: string): Branch {
	return { label: `${colour.dim(name)} ${value}` };
}

/**
 * Draws the tree with box-drawing characters. The function calls itself for each level, and the tree has at most three.
 */
function treeLines(branches: readonly Branch[], indent = ""): string[] {
	return branches.flatMap(({ label, children = [] }, index) => {
		const last = index === branches.length - 1;
		const below = `${indent}${last ? "   " : "│  "}`;
		return [`${indent}${last ? "└─ " : "├─ "}${label}`, ...treeLines(children, below)];
	});
}

function jsonOf(inspection: CatalogFileInspection): Record<string, unknown> {
	const { facts, members, thisUpdate, certificates, signers, ...rest } = inspection;
	return {
		...rest,
		members: (() => membersOf(members)) satisfies StreamedList,
		thisUpdate: isoTime(thisUpdate),
		facts:
			facts === undefined
				? null
				: {
						...facts,
						emptyFiles: [...facts.emptyFiles.keys()],
						symbolicLinks: [...facts.symbolicLinks],
						carried: Array.from(facts.carried ?? [], ([path, carried]) => [path, carried.map(carriedFields)]),
					},
		signers: signers.map((signer) => ({
			...signer,
			timestamps: signer.timestamps.map(timestampClaimFields),
		})),
		certificates: certificates.map((certificate) => ({
			...certificate,
			notBefore: isoTime(certificate.notBefore),
			notAfter: isoTime(certificate.notAfter),
		})),
	};
}

function* membersOf(members: Iterable<InspectedMember>): Generator<object, void, undefined> {
	for (const { carried, ...member } of members) yield { ...member, carried: carried.map(carriedFields) };
}

function carriedFields({ name, value }: CarriedAttribute): Record<string, unknown> {
	return { name, sizeBytes: value.length, base64: base64(value) };
}

function base64(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64");
}
