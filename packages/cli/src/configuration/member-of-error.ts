/** Finds the member of a configuration that an error is about. */

import { dirname } from "node:path";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import type { ProjectConfiguration } from "./configuration.js";
import { VARIABLE_PREFIX } from "./members.js";
import { pathOf } from "./settings.js";
import { membersIn } from "./write-document.js";

/** Returns the error with the member whose value its message repeats. Returns the same error if there is none. */
export function withMember(configuration: ProjectConfiguration, error: SigtoolError): SigtoolError {
	const { code, message, cause, path, root, problems, findings, passing } = error;
	const file = quote(pathOf(configuration, configuration.file));
	if (message.includes(file) || message.includes(quote(configuration.file))) return error;
	const name = memberNamedBy(configuration, error);
	if (name === undefined) return error;
	const place = configuration.places.get(name);
	const where = place === undefined ? "" : ` (line ${place.line}, column ${place.column})`;
	const whole = `${message}; ${quote(name)} of ${file} says so${where}`;
	return new SigtoolError(code, whole, { cause, path, root, problems, findings, passing });
}

/** Returns the name of the member whose value the message repeats, such as `verify.trust[0]`. */
function memberNamedBy(configuration: ProjectConfiguration, { message, exitStatus }: SigtoolError): string | undefined {
	const values = membersIn(configuration.members).flatMap(([name, value]): [string, string][] => {
		if (CHOICES.has(name) || (exitStatus === 1 && JUDGED.has(name))) return [];
		if (Array.isArray(value)) return value.map((each, index) => [`${name}[${index}]`, String(each)]);
		return [[name, String(value)]];
	});
	const told = values.find(([name, value]) => {
		const variable = value.startsWith(VARIABLE_PREFIX) ? process.env[value.slice(VARIABLE_PREFIX.length)] : undefined;
		const path = pathOf(configuration, value);
		const texts = [
			value,
			path,
			...(name === "output" ? [dirname(path)] : []),
			...(variable === undefined ? [] : [variable]),
		];
		return texts.some((text) => text !== "" && message.includes(quote(text)));
	});
	return told?.[0];
}

/** Their values are words of sigtool, which a message can have for another reason. */
const CHOICES: ReadonlySet<string> = new Set([
	"$schema",
	"development",
	"formats",
	"links",
	"linksOutside",
	"verify.added",
	"verify.maxFileBytes",
	"verify.ocsp",
	"verify.requireSignatures",
]);

/** They name what is judged. A failed judgement is no mistake of the configuration. */
const JUDGED: ReadonlySet<string> = new Set(["output", "product", "sign", "verify.catalogs"]);
