import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { createAudit } from "../../src/audit/audit.js";
import { collectorSink, isCollectorGone } from "../../src/audit/collector-sink.js";

/** Returns an audit whose sink sends to a collector that answers with these numbers, and what was sent. */
function audited(...answers: readonly number[]) {
	const sent: [text: string, waits: boolean][] = [];
	const left = [...answers];
	const send = (lines: Uint8Array, waits: boolean) => {
		sent.push([new TextDecoder().decode(new Uint8Array(lines)), waits]);
		return left.shift() ?? 0;
	};
	return { audit: createAudit([collectorSink('"/log"', send)]), sent, waits: () => sent.map(([, waits]) => waits) };
}

describe("collectorSink()", () => {
	it("waits for the first line, which tests the file, then only for refusals", () => {
		const { audit, sent, waits } = audited();
		audit.raise("native.load", "allow", { name: "a" });
		audit.flush();
		audit.raise("native.load", "allow", { name: "b" });
		audit.raise("native.load", "allow", { name: 'x","verdict":"refuse","' });
		audit.flush();
		audit.raise("native.load", "refuse", { name: "c" });
		audit.raise("native.load", "audit", { name: "d" });
		expect(waits()).toEqual([true, false, true, true]);
		expect(sent[1]?.[0].split("\n")).toHaveLength(3);
	});

	it("tests the file again as long as that has failed", () => {
		const { audit, waits } = audited(constants.errno.ENOSPC);
		for (const name of ["a", "b", "c"]) {
			audit.raise("native.load", "allow", { name });
			audit.flush();
		}
		// The second is the report of the lost one.
		expect(waits()).toEqual([true, true, false, false]);
	});

	it("waits for a report of lost events, which nobody would report", () => {
		const { audit, sent } = audited(0, constants.errno.EAGAIN);
		for (const name of ["a", "b"]) {
			audit.raise("native.load", "allow", { name });
			audit.flush();
		}
		expect(audit.dropped).toBe(1);
		expect(sent.at(-1)).toEqual([expect.stringContaining('"event":"verifier.dropped"'), true]);
	});

	it("waits for everything at the end of the process", () => {
		const { audit, sent } = audited();
		audit.raise("native.load", "allow", { name: "a" });
		audit.finish();
		expect(sent.at(-1)).toEqual(["", true]);
	});

	it.each([
		["ENOSPC", false],
		["EPIPE", true],
		["ETIMEDOUT", true],
	] as const)("fails with %s, and tells if a collector is there", (code, isGone) => {
		const { audit } = audited(constants.errno[code]);
		let failure: unknown;
		try {
			audit.raise("native.load", "refuse", { name: "a" });
		} catch (error) {
			failure = error;
		}
		expect(failure).toMatchObject({ code: "ERR_AUDIT_SINK", cause: { code } });
		expect(isCollectorGone(failure)).toBe(isGone);
	});

	it("is not taken in by setters of a prototype", () => {
		const { audit } = audited(constants.errno.EPIPE);
		Object.defineProperty(Error.prototype, "code", { configurable: true, set() {} });
		try {
			audit.raise("native.load", "refuse", { name: "a" });
			expect.unreachable();
		} catch (error) {
			expect(isCollectorGone(error)).toBe(true);
		} finally {
			Reflect.deleteProperty(Error.prototype, "code");
		}
	});
});
