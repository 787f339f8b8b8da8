import { localeTable } from "./locale.js";
import { words } from "./words.js";

/** Lower-case ASCII words of `title`, joined by hyphens. */
export function slug(title, { locale = "default" } = {}) {
	return words(title, localeTable(locale)).join("-");
}
