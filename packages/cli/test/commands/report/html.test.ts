import fc from "fast-check";
import { expect, it } from "vitest";
import { dataBlock, html } from "../../../dist/commands/report/html.js";

const anyText = fc.oneof(
	fc.string({ unit: "binary" }),
	fc
		.array(fc.constantFrom("<", ">", '"', "'", "&", "</script>", "<!--", "-->", "<script", "\u2028", "]]>", "&lt;"))
		.map((parts) => {
			return parts.join("");
		}),
);

it("html makes no markup of a text, in an element or in an attribute", () => {
	fc.assert(
		fc.property(anyText, (text) => {
			const made = html`<p title="${text}">${text}</p>`.html;
			const [, attribute, content] = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/s.exec(made) ?? [];
			for (const escaped of [attribute, content]) {
				const back = escaped?.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
				expect(back).toBe(text);
			}
		}),
	);
});

it("a data block ends only where it should, and has the data", () => {
	fc.assert(
		fc.property(anyText, (text) => {
			const made = dataBlock("a", { [text]: [text] }).html;
			const [, json = ""] =
				/^<script type="application\/json" id="a">([^<>&\u2028\u2029]*)<\/script>$/.exec(made) ?? [];
			expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ [text]: [text] })));
		}),
	);
});
