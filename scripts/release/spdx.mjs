import { uuidOf } from "./components.mjs";

/** Returns the components as a document of SPDX 2.3. https://spdx.github.io/spdx-spec/v2.3/ */
export function spdx(components, { version, commit, seconds }) {
	const main = { name: "sigtool", version, licence: "MIT", contains: [], needs: [] };
	const all = [main, ...components];
	const id = (name) => `SPDXRef-${name.replace(/[^A-Za-z0-9.]+/g, "-").replace(/^-|-$/g, "")}`;
	const relate = (from, relationshipType, to) => ({
		spdxElementId: from,
		relationshipType,
		relatedSpdxElement: to,
	});
	return {
		spdxVersion: "SPDX-2.3",
		dataLicense: "CC0-1.0",
		SPDXID: "SPDXRef-DOCUMENT",
		name: `sigtool-${version}`,
		documentNamespace: `https://spdx.org/spdxdocs/sigtool-${version}-${uuidOf(`spdx ${version} ${commit}`)}`,
		creationInfo: {
			created: new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
			creators: [`Tool: sigtool-release-${version}`],
			comment: `Made from commit ${commit}.`,
		},
		packages: all.map((each) => packageOf(each, id(each.name))),
		relationships: [
			relate("SPDXRef-DOCUMENT", "DESCRIBES", id(main.name)),
			...components
				.filter(({ sha256 }) => sha256 !== undefined)
				.map(({ name }) => relate(id(main.name), "CONTAINS", id(name))),
			...components.flatMap(({ name, contains, needs }) => [
				...contains.map((other) => relate(id(name), "CONTAINS", id(other))),
				...needs.map((other) => relate(id(name), "DEPENDS_ON", id(other))),
			]),
		],
	};
}

function packageOf({ name, version, licence, purl, file, sha256 }, SPDXID) {
	return {
		name,
		SPDXID,
		versionInfo: version,
		downloadLocation: "NOASSERTION",
		filesAnalyzed: false,
		licenseConcluded: "NOASSERTION",
		licenseDeclared: licence ?? "NOASSERTION",
		copyrightText: "NOASSERTION",
		...(file === undefined ? {} : { packageFileName: file }),
		...(sha256 === undefined ? {} : { checksums: [{ algorithm: "SHA256", checksumValue: sha256 }] }),
		...(purl === undefined
			? {}
			: {
					externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
				}),
	};
}
