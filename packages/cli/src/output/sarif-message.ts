/** Makes the messages of SARIF. */

/**
 * Escapes what a viewer would take for a placeholder or a link, because a name in a text may look like one. SARIF 2.1.0
 * sections 3.11.5 and 3.11.6.
 */
export function messageOf(text: string) {
	// A regular expression would look for the end of a link again from each of many brackets.
	const pieces = text.replace(/[{}]/g, "$&$&").split("]");
	const safe = pieces.map((piece, index) =>
		pieces[index + 1]?.startsWith("(") ? piece.replaceAll("[", "\\[") : piece,
	);
	return { text: safe.join("]") };
}
