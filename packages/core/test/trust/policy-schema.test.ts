import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../../dist/trust/default-policy.js";
import { parsePolicy } from "../../dist/trust/policy.js";
import { verdictOf } from "../pki/expect-error.js";

const schema = JSON.parse(readFileSync(new URL("../../policy.schema.json", import.meta.url), "utf8"));
const validate = new Ajv2020().compile(schema);

const GOOD: readonly object[] = [
	{},
	{ mode: "off" },
	{ mode: "strict", products: ["app", "größe"] },
	{ launch: { write: ["/", "/srv/data", "/srv/..data", "/a b/c"] } },
	{ launch: { network: { connect: [0, 65535], bind: [], sockets: ["/run/a"] }, writableCode: "allow" } },
	{ launch: { network: {} } },
	{ launch: { environment: ["DATABASE_URL", "APP_*", "NODE_ENV"] } },
	{ files: { maxSizeBytes: 1, kernelCheck: "require" } },
	{ files: { maxSizeBytes: 2_147_483_647 } },
	{ files: { maxSizeBytes: 1e3 } },
	{ files: { owner: "root", othersWrite: "refuse" } },
	{ files: { owner: "any", othersWrite: "allow" } },
	{ runtime: { addons: "refuse", webAssembly: "allow", webAssemblySha256: ["0".repeat(64), "a".repeat(64)] } },
	{ runtime: { stringCode: "refuse", workers: "refuse", children: "allow" } },
	{ python: { auditHooks: "allow", xattr: "ima", extensions: "refuse" } },
	{ python: { events: [] } },
	{ python: { events: ["*", "socket.connect", "_winapi.CreateFile"] } },
	{ launch: {}, files: {}, runtime: {}, python: {} },
];

const BAD: readonly unknown[] = [
	{ version: 2 },
	{ version: "1" },
	{ version: undefined },
	{ mode: "Enforce" },
	{ mode: null },
	{ extra: true },
	{ $schema: "policy.schema.json" },
	{ products: "app" },
	{ products: [""] },
	{ products: [1] },
	{ products: ["app", "app"] },
	{ launch: [] },
	{ launch: null },
	{ launch: { write: ["srv"] } },
	{ launch: { write: [""] } },
	{ launch: { write: ["/srv/"] } },
	{ launch: { write: ["/srv//data"] } },
	{ launch: { write: ["/srv/../etc"] } },
	{ launch: { write: ["/."] } },
	{ launch: { write: ["/srv\n/.."] } },
	{ launch: { write: ["/srv\0"] } },
	{ launch: { write: ["/srv\n"] } },
	{ products: ["two\nlines"] },
	{ launch: { write: ["/srv", "/srv"] } },
	{ launch: { allowDevelopment: true } },
	{ launch: { network: { connect: [65536] } } },
	{ launch: { network: { connect: ["443"] } } },
	{ launch: { network: { bind: [-1] } } },
	{ launch: { network: { bind: 80 } } },
	{ launch: { network: { sockets: ["a"] } } },
	{ launch: { network: { udp: [] } } },
	{ launch: { network: null } },
	{ launch: { writableCode: "strict" } },
	{ launch: { environment: ["LD_PRELOAD"] } },
	{ launch: { environment: ["PYTHON*"] } },
	{ launch: { environment: ["*"] } },
	{ launch: { environment: ["A B"] } },
	{ files: { maxSizeBytes: 0 } },
	{ files: { maxSizeBytes: 1.5 } },
	{ files: { maxSizeBytes: "1" } },
	{ files: { maxSizeBytes: 2_147_483_648 } },
	{ files: { kernelCheck: true } },
	{ files: { owner: "nobody" } },
	{ files: { owner: 0 } },
	{ files: { othersWrite: "log" } },
	{ runtime: { addons: "allow" } },
	{ runtime: { webAssemblySha256: ["0".repeat(63)] } },
	{ runtime: { webAssemblySha256: ["A".repeat(64)] } },
	{ runtime: { webAssemblySha256: [`${"0".repeat(64)}\n`] } },
	{ runtime: { stringCode: "verified" } },
	{ runtime: { workers: "allow" } },
	{ runtime: { children: "signed" } },
	{ runtime: { eval: "refuse" } },
	{ python: { auditHooks: "audit" } },
	{ python: { xattr: "spython" } },
	{ python: { events: "*" } },
	{ python: { events: ["os.*"] } },
	{ python: { events: [".os"] } },
	{ python: { events: ["os.system\n"] } },
	{ python: { events: ["import", "import"] } },
	{ python: { extensions: "allow" } },
];

const document = (members: unknown) => JSON.parse(JSON.stringify({ version: 1, ...(members as object) }));

describe("policy.schema.json and parsePolicy()", () => {
	it.each(GOOD)("both accept %j", (members) => {
		expect(validate(document(members)), JSON.stringify(validate.errors)).toBe(true);
		expect(verdictOf(() => parsePolicy(document(members)))).toBe("ok");
	});

	it.each([...BAD])("both refuse %j", (members) => {
		expect(validate(document(members))).toBe(false);
		expect(verdictOf(() => parsePolicy(document(members)))).toBe("ERR_POLICY");
	});

	it.each([[[]], [null], ["policy"], [1], [{}]])("both refuse %j instead of a document", (value) => {
		expect(validate(value)).toBe(false);
		expect(verdictOf(() => parsePolicy(value))).toBe("ERR_POLICY");
	});

	it("agree on documents of members and values in any combination", () => {
		const words = fc.constantFrom("off", "audit", "enforce", "strict", "refuse", "allow", "signed", "require", "log");
		const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("/", "/a", "/a/", "/../a", "a".repeat(64)));
		const value = fc.oneof(words, texts, fc.array(texts), fc.double(), fc.integer(), fc.constant(null), fc.boolean());
		const group = (name: "launch" | "files" | "runtime" | "python") => {
			const members = Object.fromEntries(Object.keys(DEFAULT_POLICY[name]).map((member) => [member, value]));
			return fc.record(members, { requiredKeys: [] });
		};
		const policies = fc.record(
			{
				version: fc.constant(1),
				mode: words,
				products: fc.array(texts),
				launch: group("launch"),
				files: group("files"),
				runtime: group("runtime"),
				python: group("python"),
			},
			{ requiredKeys: ["version"] },
		);
		fc.assert(
			fc.property(policies, (members) => {
				const given = document(members);
				expect(verdictOf(() => parsePolicy(given)) === "ok").toBe(validate(given));
			}),
		);
	});

	it("have the same defaults", () => {
		const defaultOf = ({ properties, default: value }: { properties?: object; default?: unknown }): unknown =>
			properties === undefined
				? value
				: Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, defaultOf(member)]));
		expect({ ...(defaultOf(schema) as object), version: 1 }).toEqual(DEFAULT_POLICY); // The schema describes an object.
	});
});
