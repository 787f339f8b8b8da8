import { uuidOf } from "./components.mjs";

/** Returns the components as a document of CycloneDX 1.6. https://cyclonedx.org/docs/1.6/json/ */
export function cycloneDx(components, { version, commit, seconds }) {
	const main = { "bom-ref": "sigtool", type: "application", name: "sigtool", version, licenses: licences("MIT") };
	return {
		$schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
		bomFormat: "CycloneDX",
		specVersion: "1.6",
		serialNumber: `urn:uuid:${uuidOf(`cyclonedx ${version} ${commit}`)}`,
		version: 1,
		metadata: {
			timestamp: new Date(seconds * 1000).toISOString(),
			component: main,
			properties: [{ name: "sigtool:commit", value: commit }],
		},
		components: components.map(component),
		dependencies: [
			{ ref: "sigtool", dependsOn: components.filter(({ sha256 }) => sha256 !== undefined).map(({ name }) => name) },
			...components.map(({ name, needs, contains }) => ({ ref: name, dependsOn: unique([...needs, ...contains]) })),
		],
	};
}

function component({ name, version, licence, purl, file, sha256 }) {
	return {
		"bom-ref": name,
		type: purl === undefined ? "file" : purl.startsWith("pkg:oci/") ? "container" : "library",
		name,
		version,
		...(licence === undefined ? {} : { licenses: licences(licence) }),
		...(purl === undefined ? {} : { purl }),
		...(sha256 === undefined ? {} : { hashes: [{ alg: "SHA-256", content: sha256 }] }),
		...(file === undefined ? {} : { properties: [{ name: "sigtool:file", value: file }] }),
	};
}

function licences(expression) {
	return /^[\w.-]+$/.test(expression) ? [{ license: { id: expression } }] : [{ expression }];
}

function unique(names) {
	return [...new Set(names)];
}
