/** Starts the views of a page. Without this script the tables of the page show the same facts. */

import { eventsView } from "./events-view.js";
import { filesView } from "./files-view.js";

for (const host of document.querySelectorAll<HTMLElement>("[data-files]")) {
	filesView(host, dataOf(`${host.dataset.files}-files`));
	host.classList.add("ready");
}
for (const [index, host] of document.querySelectorAll<HTMLElement>("[data-events]").entries()) {
	host.id = `events-${index}`;
	eventsView(host, dataOf(`${host.closest("section")?.id}-events`));
	host.classList.add("ready");
}

/** Reads a block of data. The command wrote the block and the script together, so its type is as declared. */
function dataOf<T>(id: string): T {
	return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}
