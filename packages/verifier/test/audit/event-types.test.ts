import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, expectTypeOf, it } from "vitest";
import { BOOLEAN_FIELDS, COMMON_FIELDS, EVENTS, NUMBER_FIELDS } from "../../dist/audit/events.js";
import type { AuditEvent, AuditEventOf, EventName } from "../../dist/index.js";

describe("the type of an event", () => {
	it("has a member of the union for each row of the table, with the fields of the row", () => {
		expectTypeOf<EventName>().toEqualTypeOf<keyof typeof EVENTS>();
		expectTypeOf<AuditEvent["event"]>().toEqualTypeOf<Exclude<EventName, "python.<name>"> | `python.${string}`>();
		expectTypeOf<AuditEventOf<"fs.open">["path"]>().toEqualTypeOf<string | undefined>();
		expectTypeOf<AuditEventOf<"wasm.compile">["sizeBytes"]>().toEqualTypeOf<number | undefined>();
		expectTypeOf<AuditEventOf<"fs.open">["sizeBytes"]>().toEqualTypeOf<undefined>();
	});

	it("is known to the compiler after a comparison with a name", () => {
		const fieldsOf = (event: AuditEvent): unknown[] => {
			switch (event.event) {
				case "child_process.spawn_sync":
					expectTypeOf(event.shell).toEqualTypeOf<boolean | undefined>();
					expectTypeOf(event.path).toEqualTypeOf<undefined>();
					return [event.file, event.shell];
				case "verifier.expiring":
					expectTypeOf(event.days).toEqualTypeOf<number | undefined>();
					return [event.what, event.days];
				default:
					expectTypeOf(event.path).toEqualTypeOf<string | undefined>();
					return [event.path];
			}
		};
		const common = { time: "2026-01-31T12:00:00.000Z", verdict: "allow", pid: 1, thread: 0 } as const;
		expect(fieldsOf({ ...common, event: "verifier.expiring", what: "index", days: 7 })).toEqual(["index", 7]);
		expect(fieldsOf({ ...common, event: "python.import", detail: "os" })).toEqual([undefined]);
	});

	it("agrees with the native parts about the fields that are numbers", () => {
		const native = join(import.meta.dirname, "../../native");
		const files = readdirSync(native, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".c"));
		const written = files.flatMap((name) => {
			// In a call of raise_event(), a name with # has a value that is written as a number.
			return [...readFileSync(join(native, name), "utf8").matchAll(/"#([A-Za-z]+)"/g)].map(([, field]) => field);
		});
		expect(written.length).toBeGreaterThan(0);
		for (const field of written) expect([...NUMBER_FIELDS, ...COMMON_FIELDS]).toContain(field);
	});

	it("names only fields of the table", () => {
		const fields = new Set<string>(Object.values(EVENTS).flatMap((row) => [...row.fields]));
		for (const field of [...NUMBER_FIELDS, ...BOOLEAN_FIELDS]) expect(fields).toContain(field);
	});
});
