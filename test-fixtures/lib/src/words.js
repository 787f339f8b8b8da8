/** Words of `text` after the replacements, without accents, in lower case. */
export function words(text, replacements) {
	let plain = text.toLowerCase();
	for (const [from, to] of replacements) plain = plain.replaceAll(from, to);
	return plain.normalize("NFD").replace(/\p{Mark}/gu, "").match(/[a-z0-9]+/g) ?? [];
}
