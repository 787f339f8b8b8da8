/**
 * Prints what the completion of a shell asks for at the press of a key: the names that this machine knows. Each line is a
 * value, a tab and a description. main.ts calls it without commander, because commander takes half of the time.
 *
 * Others choose some of the names: a product is named by whoever signs, a label is taken from a certificate. A value that
 * is more than one line, has characters that cannot be seen, or would be read as an option is left out.
 */

import { join } from "node:path";
import { listIdentities, listTrust } from "@sigtool/core";
import { ERROR_CODES, SigtoolError } from "@sigtool/core/internal/errors";
import {
	configDirectory,
	HOST_CONFIGURATION_FILE,
	hostFromFileBytes,
	MAX_HOST_BYTES,
	readBounded,
} from "@sigtool/core/internal/read";
import { projectConfiguration } from "./configuration/configuration.js";
import { usageError } from "./options/usage.js";
import { type ExitStatus, escaped, printFailure, printText } from "./output/output.js";

interface NamedValue {
	readonly value: string;
	readonly description: string;
}

const KINDS: Readonly<Record<string, () => NamedValue[] | Promise<NamedValue[]>>> = {
	code: codes,
	identity: identities,
	pin: pins,
	product: products,
};

/** Runs `complete-values KIND`, which is in no help, because only shells call it. Does not throw. */
export async function completeValues([name, kind = "", ...others]: readonly string[]): Promise<ExitStatus> {
	try {
		if (!Object.hasOwn(KINDS, kind) || others.length > 0)
			throw usageError(`Use \`${name} KIND\` with one of the kinds ${Object.keys(KINDS).join(", ")}`);
		const lines = (await KINDS[kind]()).filter(isHarmless).map(line);
		printText([...new Set(lines)].join(""));
		return 0;
	} catch (error) {
		return printFailure(name, error, {});
	}
}

function codes(): NamedValue[] {
	return Object.entries(ERROR_CODES).map(([value, [, description]]) => ({ value, description }));
}

function identities(): NamedValue[] {
	return listIdentities().map(({ name, certificate }) => ({ value: name, description: certificate.subject.text }));
}

function pins(): NamedValue[] {
	return listTrust()
		.filter(({ source }) => source === "store")
		.map(({ id, kind, label }) => ({ value: id, description: `${kind} ${label}` }));
}

/** Returns the product of the project, and those of the host configurations. Their owner does not matter for a name. */
async function products(): Promise<NamedValue[]> {
	return [
		...(await unlessRefused(async () => {
			const { file = "", members } = (await projectConfiguration()) ?? {};
			return members?.product === undefined ? [] : [{ value: members.product, description: file }];
		})),
		...(await unlessRefused(() => productsOfHost(join(configDirectory(), "verifier.json")))),
		...(await unlessRefused(() => productsOfHost(HOST_CONFIGURATION_FILE))),
	];
}

function productsOfHost(file: string): NamedValue[] {
	const { products = [] } = hostFromFileBytes(readBounded(file, MAX_HOST_BYTES), file);
	return products.map(({ name, root }) => ({ value: name, description: root ?? "" }));
}

/** Returns nothing for a file that is missing or refused, since other commands tell why. */
async function unlessRefused(read: () => NamedValue[] | Promise<NamedValue[]>): Promise<NamedValue[]> {
	try {
		return await read();
	} catch (error) {
		if (error instanceof SigtoolError) return [];
		throw error;
	}
}

const LONGEST_VALUE = 256;
const LONGEST_DESCRIPTION = 80;

function isHarmless({ value }: NamedValue): boolean {
	return escaped(value) === value && !/^(?:-|\s|$)|\s$/.test(value) && value.length <= LONGEST_VALUE;
}

function line({ value, description }: NamedValue): string {
	return `${value}\t${escaped(description).slice(0, LONGEST_DESCRIPTION)}\n`;
}
