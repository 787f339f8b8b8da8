/** Quotes a text for a POSIX shell, in double quotes if nothing in it has a meaning there. */
export function shellWord(text: string): string {
	const word = text.startsWith("-") ? `./${text}` : text;
	if (!SPECIAL.test(word)) return `"${word}"`;
	if (!CONTROL.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
	// This form is POSIX since 2024. Before that, bash, zsh and ksh had it.
	const escaped = word.replace(ESCAPED, (character) => {
		return character === "\\" || character === "'"
			? `\\${character}`
			: [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
	});
	return `$'${escaped}'`;
}

const SPECIAL = /["$`\\!']|[^\x20-\x7e\xa0-\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters need another form.
const CONTROL = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters need another form.
const ESCAPED = /[\\'\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;
