import assert from "node:assert/strict";
import test from "node:test";
import { slug } from "../src/index.js";

test("accents and signs become words", () => {
	assert.equal(slug("Crème brûlée & tea"), "creme-brulee-and-tea");
	assert.equal(slug("Größe", { locale: "de" }), "groesse");
});
