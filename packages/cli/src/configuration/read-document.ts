/**
 * Reads a configuration from the text of its file: JSON with comments and trailing commas, as TypeScript reads
 * tsconfig.json. Each member keeps its line and column, which messages and `sigtool config` show.
 */

import { isUtf8 } from "node:buffer";
import { readShape, type Shape, UNKNOWN } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import jsonc, { type Node, type ParseError } from "jsonc-parser";
import { closeNames } from "../output/close-names.js";
import { CONFIGURATION, type Configuration } from "./members.js";

/** A place in a text. Both numbers begin with 1. */
export interface Place {
	readonly line: number;
	readonly column: number;
}

export interface ConfigurationDocument {
	readonly file: string;
	readonly members: Configuration;
	/** The places of the members that are in the file, by their names, such as `verify.trust`. */
	readonly places: ReadonlyMap<string, Place>;
}

/**
 * Reads the configuration in `bytes`. With `package.json`, the configuration is the member `sigtool` of the document,
 * which has neither comments nor trailing commas.
 * @throws ERR_CONFIG with a message that names the file, the line and the column
 */
export function readDocument(file: string, bytes: Buffer, kind: "own" | "package.json" = "own"): ConfigurationDocument {
	if (!isUtf8(bytes)) throw unfit(file, undefined, "it is not text in UTF-8");
	const text = bytes.toString("utf8").replace(/^\ufeff/, " ");
	const placeAt = placesIn(text);
	const top = parsed(file, text, kind, placeAt);
	const own = kind === "own" ? top : memberOf(top, "sigtool");
	if (own === undefined) throw unfit(file, undefined, "it has no configuration");
	const places = new Map<string, Place>();
	const value = valueAt(own, "$", (at, offset, depth) => {
		const place = placeAt(offset);
		if (depth > MAX_DEPTH) throw unfit(file, place, TOO_DEEP);
		if (places.has(at)) throw unfit(file, place, `${quote(shown(at))} is there twice`);
		places.set(at, place);
	});
	const members = readShape(CONFIGURATION, value, (at, reason) => {
		const subject = at === "$" ? "the configuration" : quote(shown(at));
		return unfit(file, nearest(places, at), `${subject} ${reason}${reason === UNKNOWN ? suggestionFor(at) : ""}`);
	});
	return { file, members, places: new Map([...places].map(([at, place]) => [shown(at), place])) };
}

/** Suggests the member, at any depth, whose own name is spelled most like that of an unknown one. */
function suggestionFor(at: string): string {
	const members = membersOf(CONFIGURATION);
	const [best] = closeNames(lastNameOf(at), members.map(lastNameOf));
	const meant = members.find((member) => lastNameOf(member) === best);
	return meant === undefined ? "" : `; did you mean ${quote(meant)}?`;
}

function lastNameOf(member: string): string {
	return member.slice(member.lastIndexOf(".") + 1);
}

/** Returns the names of all members, such as `verify.trust`. */
function membersOf(shape: Shape, prefix = ""): string[] {
	if (shape.kind !== "object") return [];
	return Object.entries(shape.members).flatMap(([name, member]) => [
		`${prefix}${name}`,
		...membersOf(member, `${prefix}${name}.`),
	]);
}

/** Makes an error about a configuration. */
export function unfit(file: string, place: Place | undefined, reason: string): SigtoolError {
	const where = place === undefined ? "" : `line ${place.line}, column ${place.column}: `;
	return new SigtoolError("ERR_CONFIG", `Cannot use the configuration ${quote(file)}: ${where}${reason}`, {
		path: file,
	});
}

/** Values may lie in each other this deep. A configuration needs three levels. */
const MAX_DEPTH = 20;
const TOO_DEEP = "it is nested too deeply";

type PlaceAt = (offset: number) => Place;

/** @throws ERR_CONFIG */
function parsed(file: string, text: string, kind: "own" | "package.json", placeAt: PlaceAt): Node {
	const errors: ParseError[] = [];
	const isLenient = kind === "own";
	let top: Node | undefined;
	try {
		top = jsonc.parseTree(text, errors, { allowTrailingComma: isLenient, disallowComments: !isLenient });
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		throw unfit(file, undefined, TOO_DEEP); // The parser calls itself for each level.
	}
	const [first] = errors;
	if (first !== undefined) throw unfit(file, placeAt(first.offset), faultOf(first));
	if (top === undefined) throw unfit(file, placeAt(0), "it is empty");
	return top;
}

/** Words an error of the parser, such as `CommaExpected`. */
function faultOf({ error }: ParseError): string {
	const words = jsonc.printParseErrorCode(error).replace(/\B[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
	return `it is not JSON: ${words.toLowerCase()}`;
}

function memberOf({ children = [] }: Node, name: string): Node | undefined {
	return children.findLast(({ children: [key] = [] }) => key?.value === name)?.children?.[1];
}

type Tell = (at: string, offset: number, depth: number) => void;

/**
 * Returns the value of a node, and tells the offset of each member's name and of each item by its path, such as
 * `$.sign[0]`. What `tell` throws ends the search, so it can bound the depth.
 */
function valueAt(node: Node, at: string, tell: Tell, offset = node.offset, depth = 0): unknown {
	tell(at, offset, depth);
	const { children = [] } = node;
	if (node.type === "array")
		return children.map((item, index) => valueAt(item, `${at}[${index}]`, tell, item.offset, depth + 1));
	if (node.type !== "object") return node.value;
	const entries = children.map(({ children: [key, value] = [] }): [string, unknown] => {
		const name = String(key?.value);
		return [name, value && valueAt(value, `${at}.${name}`, tell, key?.offset, depth + 1)];
	});
	return Object.fromEntries(entries);
}

/** Returns a name without the `$.` before it, as the user knows it. */
function shown(at: string): string {
	return at.replace(/^\$\.?/, "");
}

/** Returns the place of a member or, if the member is missing, that of the object around it. */
function nearest(places: ReadonlyMap<string, Place>, at: string): Place | undefined {
	for (let path = at; path !== ""; path = path.replace(/(?:^|[.[])[^.[]*$/, "")) {
		const place = places.get(path);
		if (place !== undefined) return place;
	}
	return places.get("$");
}

/** Returns a function that turns an offset in the text into a place. */
function placesIn(text: string): PlaceAt {
	const starts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map(({ 0: end, index }) => index + end.length)];
	return (offset) => {
		// Halves the lines in question, because a long document has a place for each of many values.
		let line = 0;
		for (let end = starts.length; end - line > 1; ) {
			const middle = (line + end) >> 1;
			if (starts[middle] <= offset) line = middle;
			else end = middle;
		}
		return { line: line + 1, column: offset - starts[line] + 1 };
	};
}
