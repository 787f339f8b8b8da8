import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { problemsOfSurface } from "../../scripts/api-docs/surface.mjs";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";
import { workspace } from "./world.js";

const COMMENT = "/** Does it.\n * @throws ERR_USAGE\n * @example x()\n */\n";

/** For each case the declarations of an entry point, and the problems that the check must find. */
const CASES: Readonly<Record<string, readonly [declarations: string, ...problems: readonly string[]]>> = {
	"a parameter of a type that is not exported": [
		`import type { Hidden } from "./hidden.js";\n${COMMENT}export declare function f(h: Hidden): void;`,
		"f mentions Hidden, which it does not export",
	],
	"a member of such a type": [
		'export interface Options { readonly h: import("./hidden.js").Hidden }',
		"Options mentions Hidden, which it does not export",
	],
	"a number without a unit": ["export interface Options { readonly timeout?: number }", "Options.timeout has no unit"],
	"a function without an example": [
		"/** @throws ERR_USAGE */\nexport declare function f(): void;",
		"f() has no @example",
	],
	"a function without the codes of its errors": [
		"/** @example f() */\nexport declare function f(): void;",
		"f() has no @throws",
	],
	"a code that does not exist": [
		`${COMMENT.replace("ERR_USAGE", "ERR_NONSENSE")}export declare function f(): void;`,
		"f() names ERR_NONSENSE, which is no error code",
	],
	"nothing in types that are exported, units in names and in comments, and types of Node.js": [
		`export type { Hidden } from "./hidden.js";
		import type { Hidden } from "./hidden.js";
		export interface Options {
			readonly timeoutMs?: number;
			/** Seconds. */
			readonly wait: number;
			readonly by: Hidden;
		}
		${COMMENT}export declare function f<T extends Options>(options: T, key: import("node:crypto").KeyObject): Uint8Array;`,
	],
};

describe("the check of what a program can import finds", () => {
	let folder: string;
	let found: readonly string[];
	beforeAll(() => {
		folder = temporaryDirectory(atEndOfFile);
		const dist = join(folder, "packages/core/dist");
		mkdirSync(dist, { recursive: true });
		symlinkSync(join(workspace, "node_modules"), join(folder, "node_modules"));
		writeFileSync(join(dist, "hidden.d.ts"), "export interface Hidden { readonly name: string }\n");
		const entries = Object.entries(CASES).map(([name, [declarations]], index) => {
			const file = join(dist, `entry${index}.d.ts`);
			writeFileSync(file, declarations);
			return { name, file };
		});
		found = problemsOfSurface(entries);
	});

	it.each(Object.entries(CASES))("%s", (name, [, ...problems]) => {
		const own = found.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
		expect(own).toEqual(problems);
	});
});
