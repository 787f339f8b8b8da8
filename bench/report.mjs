import { cpus, loadavg, release, totalmem } from "node:os";

/**
 * Formats the report as columns for a terminal, or as tables in Markdown.
 *
 * @param {{ machine: string, trees: object[], rows: object[], comparison: object[], notMeasured: string[] }} result
 */
export function formatReport({ machine, trees, rows, comparison, notMeasured }, style) {
	const table = style === "markdown" ? markdownTable : columns;
	const parts = [`${machine}. Warm cache; medians of paired rounds of one run, lowest–highest behind.`];
	if (trees.length > 0) {
		const lines = trees.map(({ name, files, bytes }) => [name, String(files), (bytes / 2 ** 20).toFixed(0)]);
		parts.push(table(["tree", "files", "MiB"], lines));
	}
	if (rows.length > 0) {
		const lines = rows.map((row) => {
			const bound = row.bound === undefined ? "–" : `≤ ${row.bound}${row.unit}`;
			return [row.name, figure(row, row.unit), bound, row.verdict ?? ""];
		});
		parts.push(table(["", "measured", "bound", ""], lines));
	}
	if (comparison.length > 0) {
		const programs = [...new Set(comparison.map(({ program }) => program))];
		const names = [...new Set(comparison.map(({ tree }) => tree))];
		const lines = programs.map((program) => [
			program,
			...names.map((tree) =>
				figure(
					comparison.find((cell) => cell.program === program && cell.tree === tree),
					"",
				),
			),
		]);
		parts.push(table(["ratio of wall time to the C program", ...names], lines));
	}
	if (notMeasured.length > 0) parts.push(`Not measured:\n${notMeasured.map((line) => `- ${line}`).join("\n")}`);
	return `${parts.join("\n\n")}\n`;
}

/**
 * Describes the machine and its load. It has to be called before the first measurement. A load far above 0 at that time
 * makes the results wrong.
 */
export function machineLine() {
	const cores = cpus();
	return [
		`${cores.length} × ${cores[0].model.trim()}`,
		`${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
		`Linux ${release()}`,
		`Node ${process.versions.node}`,
		`load ${loadavg()[0].toFixed(1)} at the start`,
	].join(", ");
}

function figure(value, unit) {
	if (value?.median === undefined) return "–";
	const digits = unit === " MiB" ? 0 : 2;
	const [median, min, max] = [value.median, value.min, value.max].map((number) => number.toFixed(digits));
	return min === max ? `${median}${unit}` : `${median}${unit} (${min}–${max})`;
}

function columns(header, lines) {
	const all = [header, ...lines];
	const widths = header.map((_, column) => Math.max(...all.map((line) => line[column].length)));
	return all
		.map((line) =>
			line
				.map((cell, column) => cell.padEnd(widths[column]))
				.join("  ")
				.trimEnd(),
		)
		.join("\n");
}

function markdownTable(header, lines) {
	const all = [header, header.map(() => "---"), ...lines];
	return all.map((line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
}
