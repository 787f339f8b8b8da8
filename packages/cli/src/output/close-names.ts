/** Finds names that are spelled similarly. */

/**
 * Returns the candidates that are spelled like a name, with at most one mistake for every three letters, the most similar
 * first.
 */
export function closeNames(name: string, candidates: readonly string[]): string[] {
	const close = candidates.filter((candidate) => isClose(name, candidate));
	return close.sort(
		(a, b) => distance(name.toLowerCase(), a.toLowerCase()) - distance(name.toLowerCase(), b.toLowerCase()),
	);
}

/**
 * Returns true if the names differ by at most one mistake for every three letters. One mistake is allowed in shorter names
 * too. A `no-` at the beginning does not count.
 */
export function isClose(given: string, candidate: string): boolean {
	const [a, b] = [given, candidate].map((name) => name.replace(/^--?(no-)?/, "").toLowerCase());
	return distance(a, b) <= Math.max(1, Math.floor(Math.min(a.length, b.length, MAX_LENGTH) / 3));
}

/**
 * The largest number of letters for which more mistakes are allowed, and the largest difference in length. A longer
 * name is hardly a misspelt name of ours.
 */
const MAX_LENGTH = 20;

/**
 * Returns the least number of steps from one text to the other (optimal string alignment). A step inserts, deletes or
 * replaces a letter, or swaps two neighbours.
 */
function distance(a: string, b: string): number {
	if (Math.abs(a.length - b.length) > MAX_LENGTH) return Number.POSITIVE_INFINITY;
	const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
	for (let row = 1; row <= a.length; row++) {
		const [above, twoAbove] = [rows[row - 1], rows[row - 2]];
		const current = [row];
		for (let column = 1; column <= b.length; column++) {
			const isEqual = a[row - 1] === b[column - 1];
			let least = Math.min(above[column] + 1, current[column - 1] + 1, above[column - 1] + (isEqual ? 0 : 1));
			const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
			if (isSwapped) least = Math.min(least, twoAbove[column - 2] + 1);
			current.push(least);
		}
		rows.push(current);
	}
	return rows[a.length][b.length];
}
