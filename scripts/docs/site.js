// Buttons of the site, and boxes that scroll. Without this script every page can still be read.

const root = document.documentElement;

// The theme follows the system until the reader chooses one.
const themes = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme-toggle");
function showTheme(theme) {
	root.dataset.theme = theme;
	themeButton.textContent = `Theme: ${theme}`;
}
showTheme(themes.includes(root.dataset.theme) ? root.dataset.theme : "auto");
themeButton.addEventListener("click", () => {
	const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
	showTheme(next);
	try {
		localStorage.setItem("sigtool-theme", next);
	} catch {
		// The choice then holds for this page alone.
	}
});

// On a narrow screen the list of pages is hidden until the reader asks for it.
const pagesButton = document.getElementById("sidebar-toggle");
pagesButton.addEventListener("click", () => {
	const isOpen = root.classList.toggle("sidebar-open");
	pagesButton.setAttribute("aria-expanded", String(isOpen));
});

// mdBook's script answers when it has the index of the search, which is large. Until then the keys and the button open the
// field already, and what was typed is looked for when the index arrives.
const searchField = document.getElementById("searchbar");
const searchButton = document.getElementById("search-toggle");
let hasIndex = false;
function openSearch() {
	document.getElementById("search-wrapper").classList.remove("hidden");
	searchButton.setAttribute("aria-expanded", "true");
	searchField.focus();
}
searchButton.addEventListener("click", () => hasIndex || openSearch());
document.addEventListener("keydown", (event) => {
	const isTyping = event.target.nodeName === "INPUT" || event.ctrlKey || event.altKey || event.metaKey;
	const isSearchKey = event.key === "/" || (!hasIndex && event.key.toLowerCase() === "s");
	if (isTyping || !isSearchKey) return;
	event.preventDefault();
	openSearch();
});
document.getElementById("search-index")?.addEventListener("load", () => {
	hasIndex = true;
	if (searchField.value === "") return;
	openSearch();
	searchField.dispatchEvent(new KeyboardEvent("keyup"));
});

// On a narrow screen a column of long texts gets more room. Its table scrolls.
for (const cell of document.querySelectorAll("td")) {
	if (cell.textContent.length > 60) cell.classList.add("long");
}

// The keyboard can scroll only what can have the focus.
for (const box of document.querySelectorAll("pre, .table-wrapper, .drawing")) {
	if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
