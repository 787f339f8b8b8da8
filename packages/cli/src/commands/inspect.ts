import { type CatalogInspection, type InspectedMember, type InspectedSigner, inspectCatalogFile } from "@sigtool/core";
import pc from "picocolors";
import { type OutputOptions, plain, type Report } from "../output.js";
import { count, isoTime } from "./render.js";

/** A catalog as a tree for a person and as data with --json; nothing in it is verified. */
export async function inspect(file: string, options: OutputOptions): Promise<Report> {
	const inspection = inspectCatalogFile(file);
	return {
		exit: 0,
		fields: { catalog: file, verified: false, ...jsonOf(inspection) },
		lines: [plain(file), ...treeLines(treeOf(inspection, options))],
	};
}

/** A label and what hangs below it. */
interface Branch {
	readonly label: string;
	readonly children?: readonly Branch[];
}

/** Members shown without --verbose. */
const SHOWN_MEMBERS = 50;

function treeOf(inspection: CatalogInspection, options: OutputOptions): Branch[] {
	const { version, listId, thisUpdate, attributes, facts, members, signers, certificates, anomalies } = inspection;
	const shown = options.verbose === true ? members : members.slice(0, SHOWN_MEMBERS);
	const rest = members.length - shown.length;
	const branches: Branch[] = [
		leaf("status", "not verified; use `sigtool verify`"),
		leaf("version", String(version)),
		leaf("list id", listId),
		leaf("time", isoTime(thisUpdate)),
	];
	if (facts !== undefined) {
		branches.push(leaf("product", `${plain(facts.product ?? "(none)")}, sequence ${facts.sequence ?? "(none)"}`));
	}
	branches.push(
		{
			label: count(attributes.length, "catalog attribute"),
			children: attributes.map(({ name, value }) => leaf(plain(name), plain(value))),
		},
		{
			label: count(members.length, "member"),
			children: [
				...shown.map(memberBranch),
				...(rest > 0 ? [{ label: `… ${count(rest, "more member")}; --verbose or --json shows all` }] : []),
			],
		},
		...(signers.length === 0 ? [{ label: "not signed" }] : signers.map(signerBranch)),
		{
			label: count(certificates.length, "certificate"),
			children: certificates.map(({ subject, issuer, notBefore, notAfter, spkiSha256, signer, development }) => ({
				label: `${plain(subject)}${development ? " (development)" : ""}${signer ? " (the signer's)" : ""}`,
				children: [
					leaf("issuer", plain(issuer)),
					leaf("valid", `${isoTime(notBefore)} to ${isoTime(notAfter)}`),
					leaf("pin", spkiSha256),
				],
			})),
		},
	);
	if (anomalies.length > 0) {
		branches.push({
			label: count(anomalies.length, "anomaly", "anomalies"),
			children: anomalies.map((label) => ({ label: plain(label) })),
		});
	}
	return branches;
}

function memberBranch({ digest, digestAlgorithm, subject, name, attributes }: InspectedMember): Branch {
	const others = attributes.filter(({ value }) => value !== name);
	return {
		label: `${digestAlgorithm}:${digest} ${subject}${name === undefined ? "" : ` ${plain(name)}`}`,
		children: others.map((attribute) => leaf(plain(attribute.name), plain(attribute.value))),
	};
}

function signerBranch(signer: InspectedSigner): Branch {
	return {
		label: `signed by ${plain(signer.subject ?? "(no certificate for it)")}`,
		children: [
			...(signer.spkiSha256 === undefined ? [] : [leaf("pin", signer.spkiSha256)]),
			leaf("digest", algorithm(signer.digestAlgorithm, signer.digestAlgorithmName)),
			leaf("signature", algorithm(signer.signatureAlgorithm, signer.signatureAlgorithmName)),
			...signer.timestamps.map(({ kind, time, signer: authority }) => {
				return leaf(
					"timestamp",
					`${kind} ${time === undefined ? "(unreadable)" : isoTime(time)} ${plain(authority ?? "")}`,
				);
			}),
			...signer.nestedSignatures.map(({ signers }) => leaf("nested signature", plain(signers.join("; ")))),
		],
	};
}

function algorithm(oid: string, name: string | undefined): string {
	return name === undefined ? oid : `${name} (${oid})`;
}

function leaf(name: string, value: string): Branch {
	return { label: `${pc.dim(name)} ${value}` };
}

/** Box-drawing lines; the tree is ours and three levels deep. */
function treeLines(branches: readonly Branch[], indent = ""): string[] {
	return branches.flatMap(({ label, children = [] }, index) => {
		const last = index === branches.length - 1;
		const below = `${indent}${last ? "   " : "│  "}`;
		return [`${indent}${last ? "└─ " : "├─ "}${label}`, ...treeLines(children, below)];
	});
}

function jsonOf(inspection: CatalogInspection): Record<string, unknown> {
	const { facts, thisUpdate, certificates, signers, ...rest } = inspection;
	return {
		...rest,
		thisUpdate: isoTime(thisUpdate),
		facts:
			facts === undefined
				? null
				: {
						...facts,
						emptyFiles: [...facts.emptyFiles.keys()],
						symbolicLinks: [...facts.symbolicLinks],
					},
		signers: signers.map((signer) => ({
			...signer,
			timestamps: signer.timestamps.map((timestamp) => ({
				...timestamp,
				time: timestamp.time === undefined ? null : isoTime(timestamp.time),
			})),
		})),
		certificates: certificates.map((certificate) => ({
			...certificate,
			notBefore: isoTime(certificate.notBefore),
			notAfter: isoTime(certificate.notAfter),
		})),
	};
}
