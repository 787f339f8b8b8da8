/** Makes a small signed application in a separate directory, and runs it under the hook. */

import { createHash, generateKeyPairSync } from "node:crypto";
import {
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { spawnSync } from "../../../../test/outside.js";
import { stripTypes } from "../../../core/dist/compile/type-stripper.js";
import { spkiSha256 } from "../../../core/dist/pki/certificate.js";
import { issueCertificate } from "../../../core/dist/signer/identity/issue-certificate.js";
import { signerFromKey } from "../../../core/dist/signer/signer.js";
import { DEFAULT_POLICY } from "../../../core/dist/trust/default-policy.js";
import { encodeIndex, signIndex } from "../../../core/dist/trust/index-encode.js";
import type { IndexEntry } from "../../../core/dist/trust/index-entries.js";
import { parsePolicy } from "../../../core/dist/trust/policy.js";

export const REGISTER = fileURLToPath(new URL("../../dist/register-development.cjs", import.meta.url));

const { SIGTOOL_FULL, SIGTOOL_RELEASE } = process.env;

/**
 * The releases of Node.js to test: two in an ordinary run, the running one in `pnpm test:node-versions`, and all supported
 * ones in a full run.
 */
export const RELEASES: readonly string[] =
	SIGTOOL_RELEASE === undefined ? (SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["20", "24"]) : [SIGTOOL_RELEASE];

export interface Application {
	/** The signed tree. */
	readonly directory: string;
	/** The directory above the tree, with host configuration, index and audit file. */
	readonly home: string;
	/** Signs the tree as it is now. */
	sign(options?: SignOptions): Promise<void>;
	run(release: string, args: readonly string[], options?: RunOptions): Outcome;
	index(): Uint8Array;
	/** Returns all events so far, including those of the last run. */
	events(): readonly Record<string, unknown>[];
	[Symbol.dispose](): void;
}

export interface SignOptions {
	readonly policy?: object;
	readonly configuration?: object;
}

export interface RunOptions {
	readonly nodeArguments?: readonly string[];
	readonly env?: Record<string, string>;
	readonly input?: string;
	/** The file to preload, or `none` to preload nothing. Default: the development bundle. */
	readonly register?: string;
}

export interface Outcome {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Makes and signs an application. `files` maps relative paths to content. */
export async function makeApplication(
	files: Record<string, string | Uint8Array>,
	options?: SignOptions,
): Promise<Application> {
	const home = mkdtempSync(join(tmpdir(), "sigtool-node-"));
	const directory = join(home, "app");
	for (const [path, content] of Object.entries(files)) write(join(directory, path), content);
	mkdirSync(directory, { recursive: true });
	const audit = join(home, "audit.jsonl");
	const application: Application = {
		directory,
		home,
		async sign({ policy = {}, configuration = {} } = {}) {
			const index = await makeIndex(directory, policy);
			write(join(home, "app.sigx"), index.bytes);
			const document = {
				version: 1,
				pins: [{ "spki-sha256": index.key }],
				products: [{ name: "app", root: directory }],
				index: join(home, "app.sigx"),
				audit: { jsonLines: audit, stderr: "refusals" },
				...configuration,
			};
			write(join(home, "config/sigtool/verifier.json"), JSON.stringify(document));
		},
		run(release, args, { nodeArguments = [], env = {}, input = "", register = REGISTER } = {}) {
			const preload = register === "none" ? [] : ["--require", register];
			return spawnSync(nodeOfRelease(release), [...preload, ...nodeArguments, ...args], {
				cwd: directory,
				env: { ...environmentOf(home), ...env },
				input,
				encoding: "utf8",
			});
		},
		index: () => readFileSync(join(home, "app.sigx")),
		events() {
			const text = readFileSync(audit, "utf8");
			return text
				.split("\n")
				.slice(0, -1)
				.map((line) => JSON.parse(line));
		},
		[Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
	};
	await application.sign(options);
	return application;
}

/** Returns the environment of the tests without variables that the hook refuses. */
export function environmentOf(home: string): NodeJS.ProcessEnv {
	const clean = Object.entries(process.env).filter(([name]) => !/^(NODE|VITE)/.test(name));
	return { ...Object.fromEntries(clean), XDG_CONFIG_HOME: join(home, "config") };
}

export function write(path: string, content: string | Uint8Array): void {
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, content);
}

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const validity = { notBefore: Date.now() - 86_400_000, notAfter: Date.now() + 86_400_000 };
const signer = signerFromKey(key, [issueCertificate({ commonName: "Test", key, ...validity, kind: "release" })], {
	unfit: "allow",
});

/** Makes a trust index of a directory. Returns its bytes and the pin of the key that signed it. */
export async function makeIndex(directory: string, policy: object, sequence?: number) {
	const content = encodeIndex({
		notAfter: undefined,
		policy: { ...DEFAULT_POLICY, ...parsePolicy({ version: 1, ...policy }) },
		signers: [],
		products: [{ name: "app", root: directory, sequence, catalogs: [], entries: new Map(entriesOf(directory)) }],
		fileTexts: textsOf(directory),
	});
	const bytes = Buffer.concat(await signIndex(content, signer, Date.now()));
	const [certificate] = signer.certificates;
	return { bytes, key: spkiSha256(certificate) };
}

/** Returns an index as an earlier sigtool would have compiled it, which did not say of which files the texts are. */
export async function withoutFilesOfTexts(bytes: Buffer): Promise<Uint8Array> {
	const [headBytes, entries, nameBytes] = [12, 16, 20].map((at) => bytes.readUInt32LE(at)) as [number, number, number];
	const recordsStart = 24 + headBytes;
	const { fileTexts, ...head } = JSON.parse(bytes.subarray(24, recordsStart).toString());
	const texts = [...new Set(fileTexts.map(({ text }: { text: string }) => text))].sort();
	const newHead = Buffer.from(JSON.stringify({ ...head, texts }));
	const header = Buffer.from(bytes.subarray(0, 24));
	header.writeUInt32LE(newHead.length, 12);
	const rest = bytes.subarray(recordsStart, recordsStart + 48 * entries + nameBytes);
	return Buffer.concat(await signIndex(Buffer.concat([header, newHead, rest]), signer, Date.now()));
}

/** Returns TypeScript without types, and texts without their byte order mark, as `compile` does. */
function textsOf(directory: string): { text: string; file: string }[] {
	const paths = readdirSync(directory, { recursive: true, encoding: "utf8" });
	const contents = (pattern: RegExp) =>
		paths
			.filter((path) => pattern.test(path) && lstatSync(join(directory, path)).isFile())
			.map((path) => readFileSync(join(directory, path)));
	const digest = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");
	const typescript = contents(/\.[cm]?ts$/);
	const unmarked = (content: Buffer) => (isMarked(content) ? content.subarray(MARK.length) : content);
	const stripped =
		typescript.length === 0
			? []
			: stripTypes({ program: nodeOfRelease("24"), release: "24" }, typescript.map(unmarked));
	const marked = contents(/\.[cm]?js$/).filter(isMarked);
	return [
		...stripped.flatMap((text, place) =>
			"sha256" in text ? [{ text: text.sha256, file: digest(typescript[place] as Buffer) }] : [],
		),
		...marked.map((content) => ({ text: digest(unmarked(content)), file: digest(content) })),
	];
}
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const isMarked = (content: Buffer) => content.subarray(0, 3).equals(MARK);

function entriesOf(directory: string): [string, IndexEntry][] {
	return readdirSync(directory, { recursive: true, encoding: "utf8" }).flatMap((path): [string, IndexEntry][] => {
		const file = join(directory, path);
		const stats = lstatSync(file);
		if (stats.isSymbolicLink()) return [[path, { kind: "link", target: readlinkSync(file) }]];
		if (!stats.isFile()) return [];
		const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
		return [[relative(".", path), { kind: "file", sha256, size: stats.size }]];
	});
}
