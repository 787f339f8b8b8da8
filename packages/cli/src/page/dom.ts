/** Makes elements. Texts are set as texts, so nothing in this page becomes markup. */

export interface ElementOptions {
	readonly class?: string;
	readonly text?: string;
	readonly attributes?: Readonly<Record<string, string | number>>;
	readonly children?: readonly Node[];
}

export function element<Name extends keyof HTMLElementTagNameMap>(
	name: Name,
	options: ElementOptions = {},
): HTMLElementTagNameMap[Name] {
	return filled(document.createElement(name), options);
}

export function svgElement<Name extends keyof SVGElementTagNameMap>(
	name: Name,
	options: ElementOptions = {},
): SVGElementTagNameMap[Name] {
	return filled(document.createElementNS("http://www.w3.org/2000/svg", name), options);
}

function filled<T extends Element>(
	made: T,
	{ class: classes, text, attributes = {}, children = [] }: ElementOptions,
): T {
	if (classes !== undefined) made.setAttribute("class", classes);
	for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
	if (text !== undefined) made.textContent = text;
	made.append(...children);
	return made;
}

/** Calls `action` once the user has paused for a moment, so that typing does not wait for a long list. */
export function debounced(action: () => void, pauseMs: number): () => void {
	let timer = 0;
	return () => {
		clearTimeout(timer);
		timer = setTimeout(action, pauseMs);
	};
}
