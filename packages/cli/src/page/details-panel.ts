/** Shows everything about one row below a list, or in a corner where there is room. */

import { element } from "./dom.js";

export interface DetailsPanel {
	readonly root: HTMLElement;
	show(heading: string, facts: readonly (readonly [name: string, value: string])[], onClose: () => void): void;
}

/** A value with more characters than this gets a line of its own. */
const LONG = 32;

export function detailsPanel(label: string): DetailsPanel {
	const root = element("section", { class: "panel", attributes: { "aria-label": label, tabindex: -1 } });
	root.hidden = true;
	let close = () => {};
	root.addEventListener("keydown", (event) => {
		if (event.key === "Escape") close();
	});
	return {
		root,
		show(heading, facts, onClose) {
			close = () => {
				root.hidden = true;
				onClose();
			};
			const button = element("button", { class: "close", text: "Close", attributes: { type: "button" } });
			button.addEventListener("click", () => close());
			const rows = facts.map(([name, value]) => {
				const children = [element("dt", { text: name }), element("dd", { text: value })];
				return element("div", { class: value.length > LONG ? "wide" : "", children });
			});
			const title = element("p", { class: "panel-title", children: [element("bdi", { text: heading })] });
			root.replaceChildren(title, button, element("dl", { class: "facts", children: rows }));
			root.hidden = false;
			root.focus({ preventScroll: true });
			root.scrollIntoView({ block: "nearest" });
		},
	};
}
