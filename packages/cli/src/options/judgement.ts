/** Reads the options about trust and time that the commands which verify catalogs have. */

import {
	type Certificate,
	defaultTrust,
	type TrustedPin,
	type TrustPolicy,
	trustFromCertificates,
} from "@sigtool/core";
import { storedDenials, storedDevelopmentKey } from "@sigtool/core/internal";
import type { Narrowing } from "../configuration/trust.js";
import { escaped } from "../output/output.js";
import { readCertificates } from "./certificate-file.js";
import { type DevelopmentOptions, developmentOf } from "./development.js";
import { digestOf, digestOrFile } from "./digest.js";
import { givenTimestampAnchors } from "./timestamp-options.js";
import { usageError } from "./usage.js";

export interface JudgementOptions extends DevelopmentOptions {
	readonly trust?: readonly string[];
	readonly tsaTrust?: readonly string[];
	readonly at?: string;
	/** Where `trust` comes from, if not from the option --trust. */
	readonly trustFrom?: "configuration";
	/** Certificates of a configuration that narrow the trust store. The command line has no such option. */
	readonly narrowing?: Narrowing;
}

export interface Judgement {
	readonly trust: TrustPolicy;
	readonly timestampAnchors: readonly Certificate[] | undefined;
	/** The time of --at in milliseconds since the epoch, or undefined if the option is not given. */
	readonly at: number | undefined;
}

export async function judgementOf(options: JudgementOptions): Promise<Judgement> {
	const { trust, tsaTrust, at } = options;
	const time = at === undefined ? undefined : parseTime(at, "--at");
	return {
		trust: await trustOf(trust, options),
		timestampAnchors: givenTimestampAnchors(tsaTrust),
		at: time,
	};
}

/**
 * Returns the trust store of this user. If certificate files or pins are given, returns instead a policy that trusts
 * these, and that keeps the deny list of the trust store. A narrowing leaves the trust store with the signers
 * that its certificates trust too. Development identities are trusted only if the options
 * allow that.
 * @throws the errors of `developmentOf` and `readCertificates`
 */
export async function trustOf(
	named: readonly string[] | undefined,
	options: DevelopmentOptions & Pick<JudgementOptions, "narrowing" | "trustFrom">,
): Promise<TrustPolicy> {
	const development = await developmentOf(options);
	if (named === undefined) {
		const stored = { ...defaultTrust(), development };
		return options.narrowing === undefined ? stored : narrowed(stored, options.narrowing);
	}
	const given = givenTrust(named);
	const trusted = options.trustFrom === undefined ? given : asConfigured(given);
	return { ...trusted, deny: storedDenials(), development, developmentKey: storedDevelopmentKey() };
}

/** Returns a policy that trusts the named certificate files and pins. @throws the errors of `readCertificates` */
export function givenTrust(named: readonly string[]): TrustPolicy {
	const given = trustFromCertificates(
		named.flatMap((each) => (digestOrFile(each) === undefined ? readCertificates(each) : [])),
	);
	return { ...given, pins: new Map([...given.pins, ...named.flatMap(pinEntry)]) };
}

/** Returns the entry of a pin that was given by its digest, or nothing for the name of a file. */
function pinEntry(named: string): [string, TrustedPin][] {
	const pin = digestOf(named);
	return pin === undefined ? [] : [[pin, { label: pin, source: "option" }]];
}

/** Returns the policy with entries that say that they come from a configuration. */
function asConfigured(policy: TrustPolicy): TrustPolicy {
	const source = "configuration";
	return {
		...policy,
		pins: new Map([...policy.pins].map(([key, pin]) => [key, { ...pin, source }])),
		authorities: policy.authorities.map((authority) => ({ ...authority, source })),
	};
}

function narrowed(stored: TrustPolicy, { files, mend, mendWithin }: Narrowing): TrustPolicy {
	const within = { ...asConfigured(trustFromCertificates(files.flatMap(readCertificates))), mend: mendWithin };
	return { ...stored, mend, within };
}

/**
 * Parses a date (midnight UTC), or a time with its zone. Returns milliseconds since the epoch. Refuses a time without a
 * zone, because it would mean another moment on each machine. `others` names what else the option takes.
 * @throws ERR_USAGE
 */
export function parseTime(text: string, option: string, others = ""): number {
	const at = Date.parse(text);
	const day = text.slice(0, 10);
	const isForm = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
	const isDay = isForm && new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day.slice(8));
	if (!isDay || Number.isNaN(at)) {
		const form = `a time with its zone such as 2026-01-31T12:00:00Z${others}`;
		throw usageError(`Give ${option} ${form}, not "${escaped(text)}"`);
	}
	return at;
}
