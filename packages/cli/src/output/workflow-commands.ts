/**
 * Puts lines between two workflow commands of GitHub Actions, so that the runner takes none of them for a command. The
 * runner ends this at a line with the same token, which nobody can guess. Older commands, such as `##[add-matcher]`,
 * count anywhere in a line, so it is not enough to escape the beginning.
 */
export function withoutCommands(text: string): string {
	const token = crypto.randomUUID();
	return `::stop-commands::${token}\n${text}\n::${token}::\n`;
}
