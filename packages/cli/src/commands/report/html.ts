/** Makes HTML in which no text from outside becomes markup. */

/** A piece of HTML. Only `html`, `dataBlock`, and document.ts for the page's own style and script make one. */
export interface Html {
	readonly html: string;
}

type Value = Html | readonly Html[] | string | number | undefined;

/**
 * The tag of template literals that are HTML. A text or a number becomes text, whatever characters it has. So attributes
 * have to be in double quotes. Html stays as it is, a list of it is joined, and undefined is left out.
 */
export function html(literals: TemplateStringsArray, ...values: readonly Value[]): Html {
	return { html: literals.reduce((text, literal, index) => `${text}${rendered(values[index - 1])}${literal}`) };
}

function rendered(value: Value): string {
	if (value === undefined) return "";
	if (typeof value === "string" || typeof value === "number") return escapeHtml(String(value));
	return "html" in value ? value.html : value.map((each) => each.html).join("");
}

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Makes a data block. No text in it can end the block, because `<` is escaped as JSON escapes it. U+2028 and U+2029 are
 * escaped because some readers of text take them for line ends.
 */
export function dataBlock(id: string, data: unknown): Html {
	const json = JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (character) => {
		return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
	});
	return { html: `${html`<script type="application/json" id="${id}">`.html}${json}</script>` };
}
