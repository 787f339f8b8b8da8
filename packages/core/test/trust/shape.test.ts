import { expect, it } from "vitest";
import { type ObjectShape, readShape } from "../../dist/trust/shape.js";

const CHOICE = { kind: "line", optional: true, choice: true, does: "" } as const;

it.each([
	["exactly one", [false, true, false]],
	["at least one", [false, true, true]],
	["at most one", [true, true, false]],
] as const)("readShape() accepts as many choices as %s says", (choose, expected) => {
	const shape: ObjectShape = { kind: "object", choose, members: { a: CHOICE, b: CHOICE } };
	const accepts = (value: object) => {
		try {
			readShape(shape, value, (at, reason) => new Error(`${at} ${reason}`));
			return true;
		} catch (error) {
			expect(error).toMatchObject({ message: `$ must have ${choose} of a, b` });
			return false;
		}
	};
	expect([{}, { a: "1" }, { a: "1", b: "2" }].map(accepts)).toEqual(expected);
});
