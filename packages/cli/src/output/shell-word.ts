/** Quotes a word for a POSIX shell if that is needed. A file whose name begins with a hyphen is named by its directory. */
export function shellWord(text: string): string {
	const word = text.startsWith("-") ? `./${text}` : text;
	if (/^[\w@%+=:,./-]+$/.test(word)) return word;
	if (!UNSEEN.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
	// This form is POSIX since 2024. Before that, bash, zsh and ksh had it.
	return `$'${[...word].map(escapedIn).join("")}'`;
}

function escapedIn(character: string): string {
	if (character === "\\" || character === "'") return `\\${character}`;
	if (!UNSEEN.test(character)) return character;
	return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/** Control characters, and those that a terminal does not show. Output escapes them, so a shell would see other bytes. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
