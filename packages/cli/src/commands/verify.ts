import { isAbsolute, relative } from "node:path";
import {
	type Certificate,
	defaultTrust,
	type Finding,
	type TrustPolicy,
	trustFromCertificates,
	type UsedCatalog,
	type Verification,
	verifyPath,
	worstExitStatus,
} from "@sigtool/core";
import { SigtoolError } from "@sigtool/core/errors";
import pc from "picocolors";
import { type ExitStatus, type OutputOptions, oneLine, plain, type Report, rows } from "../output.js";
import { startProgress } from "../progress.js";
import { usageError } from "../usage.js";
import { readCertificates } from "./certificate-file.js";
import { count, isoTime, signerFields, signerRows } from "./render.js";

export interface VerifyCommandOptions extends OutputOptions {
	readonly catalog?: readonly string[];
	readonly trust?: readonly string[];
	readonly tsaTrust?: readonly string[];
	readonly root?: string;
	readonly product?: string;
	readonly at?: string;
	readonly profile: "default" | "windows-legacy";
	readonly match?: "path" | "digest";
	readonly added: "fail" | "warn" | "ignore";
	readonly ignore: boolean;
}

/** Every path is verified; one that cannot be does not keep the others from it. */
export async function verify(paths: readonly string[], options: VerifyCommandOptions): Promise<Report> {
	const at = parseTime(options.at);
	const trust = options.trust === undefined ? defaultTrust() : trustFrom(options.trust);
	const timestampAnchors = options.tsaTrust?.flatMap(readCertificates);
	const outcomes: Outcome[] = [];
	for (const path of paths) outcomes.push(await verifyOne(path, options, { trust, timestampAnchors, at }));
	return {
		exit: outcomes.reduce<ExitStatus>((worst, { exit }) => worse(worst, exit), 0),
		fields: { results: outcomes.map(({ fields }) => fields) },
		lines: outcomes.flatMap(({ lines }) => lines),
		problems: outcomes.flatMap(({ problems }) => problems),
		warnings: outcomes.flatMap(({ warnings }) => warnings),
	};
}

interface Outcome {
	readonly exit: ExitStatus;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly lines: readonly string[];
	readonly problems: readonly string[];
	readonly warnings: readonly string[];
}

interface Judgement {
	readonly trust: TrustPolicy;
	readonly timestampAnchors: readonly Certificate[] | undefined;
	readonly at: number | undefined;
}

async function verifyOne(path: string, options: VerifyCommandOptions, judgement: Judgement): Promise<Outcome> {
	const progress = await startProgress("verifying", options);
	try {
		const verification = await verifyPath(path, {
			...judgement,
			catalogs: options.catalog,
			root: options.root,
			product: options.product,
			profile: options.profile,
			match: options.match,
			added: options.added,
			ignoreRules: options.ignore ? "apply" : "report",
			onProgress: (done) => progress.update(done),
		});
		progress.stop();
		return outcomeOf(verification, options);
	} catch (error) {
		progress.stop();
		if (!(error instanceof SigtoolError)) throw error;
		const { code, message, exitStatus } = error;
		const verdict = exitStatus === 1 ? "failed" : "undecided";
		const failure = { code, message, ...(error.path === undefined ? {} : { path: error.path }) };
		return {
			exit: exitStatus,
			fields: { path, verdict, error: failure, findings: [] },
			lines: [],
			problems: [`${pc.red("error")}: ${oneLine(message)} [${code}]`],
			warnings: [],
		};
	}
}

function outcomeOf(verification: Verification, options: VerifyCommandOptions): Outcome {
	const { path, verdict, findings, notices } = verification;
	const trusted = verdict === "trusted";
	const headline = trusted
		? `${pc.green("trusted")} ${plain(path)}`
		: `${pc.red(verdict)} ${plain(path)}: ${count(findings.length, verdict === "failed" ? "difference" : "unreadable entry", verdict === "failed" ? "differences" : "unreadable entries")}`;
	const report = [headline, ...describe(verification, options)];
	return {
		exit: trusted ? 0 : worstExitStatus(findings),
		fields: verificationFields(verification),
		lines: trusted ? report : [],
		problems: trusted ? [] : [...report, ...findings.flatMap(findingLines)],
		warnings: [...verification.warnings, ...notices.map(({ message }) => message)],
	};
}

/** What was judged, and by what. */
function describe(verification: Verification, options: VerifyCommandOptions): string[] {
	const { catalogs, match, checkedCount, ignoredCount } = verification;
	const rules = catalogs.flatMap(({ facts }) => [...facts.ignore, ...facts.include.map((glob) => `include ${glob}`)]);
	const shown = options.verbose === true ? rules : [];
	const hidden = `${count(ignoredCount, "entry", "entries")} by ${count(rules.length, "signed rule")}`;
	const checked =
		match === "none"
			? "the catalog's own signature; no files"
			: `${count(checkedCount, "entry", "entries")} by ${match}`;
	return rows([
		...catalogs.flatMap((catalog) => catalogRows(catalog, options)),
		["checked", checked],
		["hidden", rules.length === 0 ? undefined : `${hidden}; --no-ignore reports them`],
		...shown.map((rule): [string, string] => ["rule", plain(rule)]),
	]);
}

function catalogRows(catalog: UsedCatalog, options: VerifyCommandOptions): [string, string | undefined][] {
	const { file, facts, signer, judgedAt } = catalog;
	const sequence = facts.sequence === undefined ? "" : `, sequence ${facts.sequence}`;
	const chain = options.verbose === true ? signer.chain.slice(1) : [];
	return [
		["catalog", plain(shownPath(file))],
		["product", facts.product === undefined ? undefined : `${plain(facts.product)}${sequence}`],
		...signerRows(signer.certificate, signer.development),
		...chain.map((certificate): [string, string] => ["issued by", plain(certificate.subject.text)]),
		["trusted by", `${signer.trustedBy.kind} ${plain(signer.trustedBy.label)}`],
		["judged at", `${isoTime(Math.floor(judgedAt.at / 1000) * 1000)} (${judgedAt.source})`],
	];
}

/** Relative to where the person stands when it lies there. */
function shownPath(file: string): string {
	const path = relative(process.cwd(), file);
	return path.startsWith("..") || isAbsolute(path) ? file : path;
}

function findingLines({ message, code, expected, actual }: Finding): string[] {
	const lines = [`  ${message} [${code}]`];
	if (code === "ERR_FILE_MODIFIED") {
		lines.push(
			...rows([
				["  signed", expected || "empty"],
				["  found", actual || "empty"],
			]),
		);
	}
	return lines;
}

function verificationFields(verification: Verification): Record<string, unknown> {
	const { path, verdict, match, checkedCount, ignoredCount, findings, notices, catalogs } = verification;
	return {
		path,
		verdict,
		development: catalogs.some(({ signer }) => signer.development),
		match,
		checked: checkedCount,
		ignored: ignoredCount,
		findings,
		notices,
		catalogs: catalogs.map(({ file, facts, signer, judgedAt }) => ({
			file,
			product: facts.product ?? null,
			sequence: facts.sequence ?? null,
			signer: signerFields(signer.certificate, signer.development),
			trustedBy: signer.trustedBy,
			judgedAt: { time: isoTime(judgedAt.at), source: judgedAt.source },
		})),
	};
}

/** 1 before 3 before 2: a known failure says more than an unknown outcome. */
function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
	const rank: readonly ExitStatus[] = [0, 2, 3, 1];
	return rank.indexOf(a) >= rank.indexOf(b) ? a : b;
}

function trustFrom(files: readonly string[]): TrustPolicy {
	return trustFromCertificates(files.flatMap(readCertificates));
}

/** A date, or a time with its zone: a time without one would mean another moment on each machine. */
function parseTime(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const at = Date.parse(text);
	const day = text.slice(0, 10);
	const isForm = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
	const isDay = isForm && new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day.slice(8));
	if (!isDay || Number.isNaN(at)) {
		throw usageError(`Give --at a time with its zone such as 2026-01-31T12:00:00Z, not "${plain(text)}"`);
	}
	return at;
}
