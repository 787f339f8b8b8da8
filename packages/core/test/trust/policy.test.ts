import { describe, expect, it } from "vitest";
import { SigtoolError } from "../../dist/errors.js";
import { DEFAULT_POLICY } from "../../dist/trust/default-policy.js";
import { parsePolicy, policyInMode } from "../../dist/trust/policy.js";

describe("parsePolicy()", () => {
	it("fills in missing members, and parses its own result as the same policy", () => {
		expect(DEFAULT_POLICY).toEqual({
			version: 1,
			mode: "enforce",
			products: [],
			launch: { write: [], network: {}, environment: [], writableCode: "refuse" },
			files: { maxSizeBytes: 67_108_864, kernelCheck: "log" },
			runtime: {
				addons: "signed",
				webAssembly: "signed",
				webAssemblySha256: [],
				stringCode: "audit",
				workers: "signed",
				children: "refuse",
			},
			python: {
				auditHooks: "refuse",
				stringCode: "audit",
				stringCodeFrom: [],
				xattr: "off",
				events: expect.arrayContaining(["subprocess.Popen", "sys.addaudithook"]),
				extensions: "signed",
			},
		});
		expect(parsePolicy(DEFAULT_POLICY)).toEqual(DEFAULT_POLICY);
		expect(
			JSON.stringify(parsePolicy({ runtime: { workers: "refuse", addons: "refuse" }, mode: "audit", version: 1 })),
		).toBe(
			JSON.stringify(parsePolicy({ version: 1, mode: "audit", runtime: { addons: "refuse", workers: "refuse" } })),
		);
	});

	it("takes nothing from prototypes", () => {
		expect(parsePolicy(Object.create({ mode: "off" }, { version: { value: 1, enumerable: true } })).mode).toBe(
			"enforce",
		);
		expect(() => parsePolicy(JSON.parse('{ "version": 1, "__proto__": { "mode": "off" } }'))).toThrow('"$.__proto__"');
	});

	it("names the member that is wrong", () => {
		const refused = (value: unknown) => {
			try {
				parsePolicy(value);
			} catch (error) {
				if (error instanceof SigtoolError && error.code === "ERR_POLICY") return error.message;
				throw error;
			}
			return "accepted";
		};
		expect(refused({ version: 1, runtime: { addons: "allow" } })).toBe(
			'Cannot use the policy: "$.runtime.addons" must be one of "signed", "refuse"',
		);
		expect(refused({ version: 1, launch: { write: ["/srv", "srv"] } })).toMatch(
			'"$.launch.write[1]" must be an absolute',
		);
		expect(refused({ version: 1, extra: 1 })).toBe('Cannot use the policy: "$.extra" is not a member of this version');
	});
});

describe("policyInMode()", () => {
	it("turns every `note` that strict can refuse into a refusal", () => {
		const lax = parsePolicy({
			version: 1,
			files: { kernelCheck: "off" },
			runtime: { webAssembly: "allow", stringCode: "allow", children: "audit" },
			python: { auditHooks: "allow", xattr: "ima", events: [] },
		});
		expect(policyInMode(lax, "audit")).toEqual({ ...lax, mode: "audit" });
		expect(policyInMode(lax, "strict")).toMatchObject({
			mode: "strict",
			files: { kernelCheck: "require" },
			runtime: { webAssembly: "signed", stringCode: "refuse", children: "refuse", workers: "signed" },
			python: { auditHooks: "refuse", stringCode: "signed", xattr: "off", events: [] },
		});
		const refusing = parsePolicy({ version: 1, python: { stringCode: "refuse" } });
		expect(policyInMode(refusing, "strict").python.stringCode).toBe("refuse");
	});
});
