/** Makes what stands above a list: a field to search, a button for each kind, and a line that says what is shown. */

import { debounced, element } from "./dom.js";

export interface Kind {
	readonly id: string;
	readonly label: string;
	readonly count: string;
}

export interface Controls {
	readonly root: HTMLElement;
	/** The text that is searched for, in small letters. */
	query(): string;
	/** The kinds that are shown. All are if none was chosen. */
	chosen(): ReadonlySet<string>;
	/** Says what is shown. Screen readers read it. */
	say(text: string): void;
}

/** The pause in typing after which the list is searched. */
const PAUSE_MS = 40;

let made = 0;

export function controls(label: string, kinds: readonly Kind[], onChange: () => void): Controls {
	const id = `search-${made++}`;
	const field = element("input", { attributes: { type: "search", id, autocomplete: "off", spellcheck: "false" } });
	const search = element("p", {
		class: "search",
		children: [element("label", { text: label, attributes: { for: id } }), field],
	});
	const buttons = kinds.map(({ id: kind, label: text, count }) => {
		const children = [
			element("span", { class: "swatch" }),
			document.createTextNode(`${text} `),
			element("b", { text: count }),
		];
		const attributes = { type: "button", "aria-pressed": "false", "data-kind": kind };
		return element("button", { class: `chip st-${kind}`, attributes, children });
	});
	const group = element("div", {
		class: "chips",
		attributes: { role: "group", "aria-label": "Show only" },
		children: buttons,
	});
	const status = element("p", { class: "status", attributes: { role: "status" } });
	for (const button of buttons) {
		button.addEventListener("click", () => {
			button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
			onChange();
		});
	}
	field.addEventListener("input", debounced(onChange, PAUSE_MS));
	return {
		root: element("div", { class: "controls", children: [search, group, status] }),
		query: () => field.value.trim().toLowerCase(),
		chosen: () => {
			const pressed = buttons.filter((button) => button.getAttribute("aria-pressed") === "true");
			return new Set(pressed.map(({ dataset }) => dataset.kind ?? ""));
		},
		say(text) {
			status.textContent = text;
		},
	};
}
