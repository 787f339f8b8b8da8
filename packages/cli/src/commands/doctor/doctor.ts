import { join } from "node:path";
import { type Check, examineSystem } from "@sigtool/core";
import { hostNode, nativeTarget, singleFile } from "@sigtool/core/internal";
import { reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { examineHost } from "@sigtool/verifier/internal";
import { endNotice } from "../../launcher/end-notice.js";
import { pinned } from "../../launcher/finding.js";
import { askGate } from "../../launcher/gate-probe.js";
import { readLauncherConf } from "../../launcher/launcher-conf.js";
import { CONF_NAME, majorOf } from "../../launcher/launcher-place.js";
import { protectionsOf } from "../../launcher/protections.js";
import { nativePartsAbsence, partsOrUndefined } from "../../native/native-parts.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { colour } from "../../output/terminal.js";

export interface DoctorOptions extends OutputOptions {
	/** The directory of the launcher. If no launcher is there, the report says nothing about ends of index and certificates. */
	readonly prefix: string;
}

/** Prints one line per check of the system. The exit status is always 0, because the command only reports. */
export async function doctor(path: string, { prefix }: DoctorOptions): Promise<Report> {
	const checks = [
		...(await examineSystem(path)),
		...hostNodeChecks(),
		...protectionChecks(),
		gateCheck(prefix),
		...endChecks(prefix),
	];
	const width = Math.max(...checks.map(({ title }) => title.length));
	return {
		exit: 0,
		fields: { path, checks },
		lines: checks.map((check) => line(check, width)),
	};
}

/** Tells which Node.js runs programs, if that is another one than the one that runs sigtool. */
function hostNodeChecks(): Check[] {
	if (singleFile() === undefined) return [];
	const common = { id: "host-node", title: "Node.js of the host", meaning: "runs programs (run, launcher install)" };
	const node = hostNode();
	if (node === undefined) return [{ ...common, status: "no", value: NO_NODE }];
	try {
		return [{ ...common, status: "yes", value: `${node}, release ${majorOf(node)}` }];
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		return [{ ...common, status: "no", value: `${node}: ${reasonOf(error)}` }];
	}
}

const NO_NODE = "no directory of PATH has the program node";

/** Asks the launcher of the installed verifier what it can take from a program on this kernel. */
function protectionChecks(): Check[] {
	const launcher = partsOrUndefined()?.launcher;
	if (launcher === undefined) return [];
	return protectionsOf(launcher).map(({ name, since, holds, effect }) => ({
		id: `launcher-${name}`,
		title: `launcher: ${name}`,
		status: holds ? "yes" : "no",
		value: `Linux ${since} and later`,
		meaning: effect,
	}));
}

/**
 * Tells whether Node.js gets a gate. This is the Node.js of the installed launcher or, without a launcher, the one that
 * runs programs here. Starts it, with the gate of this package.
 */
function gateCheck(prefix: string): Check {
	const node = installedNode(join(prefix, CONF_NAME)) ?? hostNode();
	const common = { id: "gate", title: "gate of Node.js", meaning: "judges in C what Node.js is about to run" };
	const gate = partsOrUndefined()?.gate;
	if (gate === undefined) return { ...common, status: "no", value: whyNoGate() };
	if (node === undefined) return { ...common, status: "no", value: NO_NODE };
	const answer = askGate(node, gate);
	if (answer.has) return { ...common, status: "yes", value: node };
	return { ...common, status: "no", value: `${node}: ${answer.why}` };
}

/** There is no gate for musl, because no official Node.js is built for it. */
function whyNoGate(): string {
	if (nativeTarget()?.endsWith("-musl") === true) return "there is none for musl";
	try {
		const { reason, remedy } = nativePartsAbsence();
		return `${reason}; ${remedy}`;
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		return error.message; // A single file cannot write its parts.
	}
}

function installedNode(confFile: string): string | undefined {
	try {
		const { node, development } = readLauncherConf(confFile);
		return node !== undefined && pinned("node", node, development, "").status === "ok" ? node.path : undefined;
	} catch {
		return undefined; // No launcher is there, or `sigtool launcher check` says why it starts nothing.
	}
}

/** Tells how long the installed index, its signer's certificate and the authorities of the host last. */
function endChecks(prefix: string): Check[] {
	const confFile = join(prefix, CONF_NAME);
	try {
		const { index, config, development } = readLauncherConf(confFile);
		return examineHost({ index, config, development }).ends.map((end, number): Check => {
			const notice = endNotice(end, Date.now());
			const value = notice ?? `ends at ${new Date(end.notAfter).toISOString()}`;
			const status = notice === undefined ? "yes" : "partly";
			const meaning = "sigtool starts nothing after this end";
			return { id: `end-${number}`, title: `end: ${end.what}`, status, value, meaning };
		});
	} catch {
		return []; // No launcher is there, or `sigtool launcher check` says why it starts nothing.
	}
}

function line({ title, status, value, meaning }: Check, width: number): string {
	return `${COLOURS[status](status.padEnd(7))}  ${title.padEnd(width)}  ${escaped(value)} ${colour.dim(`– ${meaning}`)}`;
}

const COLOURS: Readonly<Record<Check["status"], (text: string) => string>> = {
	yes: colour.green,
	partly: colour.yellow,
	no: colour.red,
	unknown: colour.dim,
};
