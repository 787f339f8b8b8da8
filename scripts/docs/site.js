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

// On a narrow screen a column of long texts gets more room. Its table scrolls.
for (const cell of document.querySelectorAll("td")) {
	if (cell.textContent.length > 60) cell.classList.add("long");
}

// The keyboard can scroll only what can have the focus.
for (const box of document.querySelectorAll("pre, .table-wrapper, .drawing")) {
	if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
