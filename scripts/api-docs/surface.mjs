/**
 * Checks the declarations of each entry point, as a program in TypeScript sees them:
 *
 * - Each type that they mention can be imported from the same entry point.
 * - Each number that is a member or a parameter has a unit, in its name or in its comment.
 * - Each function has an example, and the codes of its errors, which exist.
 */

import { dirname, join } from "node:path";
import ts from "typescript";
import { ERROR_CODES } from "../../packages/core/dist/errors.js";
import { COMPILER_OPTIONS, ENTRIES } from "./entries.mjs";

const CODES = Object.keys(ERROR_CODES);

/** The shapes of the settings, from which the type `Policy` is computed. A program uses `Policy` itself. */
const COMPUTED = new Set(["ValueOf", "POLICY"]);

/** These functions take no argument and throw nothing. */
const NEVER_FAILING = new Set(["hookCapabilities"]);

/** Returns a line for each thing that is wrong. */
export function problemsOfSurface(entries = ENTRIES) {
	const root = join(dirname(entries[0].file), "../../..");
	const { options, errors } = ts.convertCompilerOptionsFromJson({ ...COMPILER_OPTIONS, noEmit: true }, root);
	if (errors.length > 0) throw new Error(ts.flattenDiagnosticMessageText(errors[0].messageText, "\n"));
	const program = ts.createProgram(
		entries.map(({ file }) => file),
		{ ...options, typeRoots: [join(root, "node_modules/@types")], skipLibCheck: true },
	);
	return entries.flatMap((entry) => problemsOfEntry(entry, program).map((problem) => `${entry.name}: ${problem}`));
}

function problemsOfEntry({ file }, program) {
	const checker = program.getTypeChecker();
	const source = program.getSourceFile(file);
	if (source === undefined) throw new Error(`Cannot read ${file}: build the packages first`);
	const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source)).map((symbol) => {
		return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
	});
	const known = new Set(exported);
	const problems = new Set();
	for (const symbol of exported) {
		for (const declaration of symbol.declarations ?? []) {
			visit(declaration, (node) => {
				const name = nameIn(node);
				const target = name && mentioned(checker.getSymbolAtLocation(name), checker);
				if (target !== undefined && !known.has(target) && !COMPUTED.has(target.name) && isOurs(target)) {
					problems.add(`${symbol.name} mentions ${target.name}, which it does not export`);
				}
				if (isNumberWithoutUnit(node, checker)) problems.add(`${symbol.name}.${node.name.getText()} has no unit`);
			});
			if (ts.isFunctionDeclaration(declaration)) for (const lack of lacksOf(declaration)) problems.add(lack);
		}
	}
	return [...problems];
}

function visit(node, look) {
	look(node);
	ts.forEachChild(node, (child) => visit(child, look));
}

/** Returns the name of the type or value that the node mentions, or undefined if it mentions none. */
function nameIn(node) {
	if (ts.isTypeReferenceNode(node)) return last(node.typeName);
	if (ts.isTypeQueryNode(node)) return last(node.exprName);
	if (ts.isExpressionWithTypeArguments(node)) return node.expression;
	return ts.isImportTypeNode(node) ? node.qualifier && last(node.qualifier) : undefined;
}

function last(name) {
	return ts.isQualifiedName(name) ? name.right : name;
}

/** Returns the symbol itself, or undefined for a type parameter. */
function mentioned(symbol, checker) {
	if (symbol === undefined || symbol.flags & ts.SymbolFlags.TypeParameter) return undefined;
	return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Returns true if the symbol is declared at the top of a file of ours. */
function isOurs({ declarations = [] }) {
	return declarations.some((declaration) => {
		const file = declaration.getSourceFile().fileName;
		return /\/packages\/\w+\/dist\//.test(file) && !file.includes("/node_modules/.pnpm/");
	});
}

/** The ends of names that tell a unit, and names of numbers that have none. */
const UNIT =
	/(?:Bytes|Ms|Count|Seconds|Days|Size|Status|^(?:bytes|count|days|files|pid|size|thread|totalFiles|version))$/;

/** Returns true for a member or parameter of type number, if neither its name nor its comment says what it counts. */
function isNumberWithoutUnit(node, checker) {
	if (!ts.isPropertySignature(node) && !ts.isParameter(node) && !ts.isPropertyDeclaration(node)) return false;
	if (!isNumber(node.type) || UNIT.test(node.name.getText())) return false;
	if (ts.isParameter(node) && ts.isFunctionTypeNode(node.parent)) return false;
	const symbol = checker.getSymbolAtLocation(node.name);
	return symbol === undefined || symbol.getDocumentationComment(checker).length === 0;
}

/** Returns true for the type `number`, also if it is one of several. */
function isNumber(type) {
	if (type === undefined) return false;
	return ts.isUnionTypeNode(type) ? type.types.some(isNumber) : type.kind === ts.SyntaxKind.NumberKeyword;
}

function textOfThrows(declaration) {
	const tags = ts.getJSDocTags(declaration).filter((tag) => tag.tagName.text === "throws");
	return tags.map((tag) => ts.getTextOfJSDocComment(tag.comment) ?? "").join("\n");
}

/** Tells what the comment of a function lacks. */
function lacksOf(declaration) {
	const name = declaration.name.getText();
	const tags = ts.getJSDocTags(declaration).map((tag) => tag.tagName.text);
	const lacks = [];
	if (!tags.includes("example")) lacks.push(`${name}() has no @example`);
	if (!tags.includes("throws") && !NEVER_FAILING.has(name)) lacks.push(`${name}() has no @throws`);
	for (const [code] of textOfThrows(declaration).matchAll(/\bERR_[A-Z0-9_]*\*?/g)) {
		const isKnown = CODES.some((each) => (code.endsWith("*") ? each.startsWith(code.slice(0, -1)) : each === code));
		if (!isKnown) lacks.push(`${name}() names ${code}, which is no error code`);
	}
	return lacks;
}
