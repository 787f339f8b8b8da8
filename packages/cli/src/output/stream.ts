/** Prints a report whose items are too many to be kept, or come while the command waits. */

import { harmless, type OutputOptions, writeAll } from "./output.js";

export interface ItemPrinter {
	/** Prints a line for a person. With --json nothing. */
	line(text: string): void;
	/** Prints an item of the JSON document. Without --json nothing. */
	item(value: object): void;
	flush(): void;
	/** True if the reader of standard output has closed it, so that nothing more needs to be made. */
	readonly isClosed: boolean;
	/** The member of the report that ends what was printed. */
	readonly begun: "list" | "lines" | undefined;
}

export interface ItemPrinterOptions extends OutputOptions {
	readonly command: string;
	/** The name of the list in the JSON document. */
	readonly list: string;
	/** With `lines` each item is a document on a line, for a command that goes on until it is interrupted. */
	readonly form: "list" | "lines";
}

export function createItemPrinter({ json, command, list, form }: ItemPrinterOptions): ItemPrinter {
	let text = json === true && form === "list" ? `{\n\t"command": "${command}",\n\t"${list}": [` : "";
	let separator = "\n";
	let isClosed = false;
	const flush = () => {
		if (text !== "" && !isClosed) isClosed = writeAll(1, harmless(text, 1)) === "closed";
		text = "";
	};
	const add = (more: string) => {
		text += more;
		if (text.length > PIECE_LENGTH) flush();
	};
	return {
		line(line) {
			if (json !== true) add(`${line}\n`);
		},
		item(value) {
			if (json !== true) return;
			const item = JSON.stringify(value);
			add(form === "lines" ? `${item}\n` : `${separator}\t\t${item}`);
			separator = ",\n";
		},
		flush,
		get isClosed() {
			return isClosed;
		},
		begun: json === true ? form : undefined,
	};
}

const PIECE_LENGTH = 2 ** 16;
