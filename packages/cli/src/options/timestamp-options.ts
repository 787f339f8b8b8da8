/** Makes a timestamp request from the options, and formats a new timestamp for the report. */

import {
	type Certificate,
	defaultTrust,
	type NewTimestamp,
	type TimestampRequest,
	timestampAnchors,
} from "@sigtool/core";
import { checkTimestampRequest, storedDenials } from "@sigtool/core/internal";
import { escaped } from "../output/output.js";
import { isoTime } from "../output/render.js";
import { readCertificates } from "./certificate-file.js";
import { usageError } from "./usage.js";

export interface TimestampingOptions {
	readonly timestamp?: readonly string[];
	readonly tsaTrust?: readonly string[];
}

/**
 * Reads the certificates of --tsa-trust. Returns undefined if the option is not given.
 * @throws ERR_USAGE, for example for a certificate that is not an authority's; the errors of `readCertificates`
 */
export function givenTimestampAnchors(files: readonly string[] | undefined): readonly Certificate[] | undefined {
	if (files === undefined) return undefined;
	const anchors = files.flatMap(readCertificates);
	checkTimestampRequest({ urls: [], anchors });
	return anchors;
}

/**
 * Returns the request, or undefined if --timestamp is not given.
 * @throws ERR_USAGE, for example for --tsa-trust without --timestamp; the errors of `readCertificates`
 */
export function timestampRequestOf({ timestamp, tsaTrust }: TimestampingOptions): TimestampRequest | undefined {
	if (timestamp === undefined) {
		if (tsaTrust !== undefined) throw usageError("Name the timestamping authority with --timestamp");
		return undefined;
	}
	const anchors = givenTimestampAnchors(tsaTrust) ?? timestampAnchors(defaultTrust());
	const request = { urls: timestamp, anchors, deny: storedDenials() };
	checkTimestampRequest(request);
	return request;
}

export function timestampFields({ time, authority, url }: NewTimestamp): Record<string, unknown> {
	return { time: isoTime(time), authority: authority.subject.text, url };
}

export function timestampText({ time, authority }: NewTimestamp): string {
	return `${isoTime(time)} by ${escaped(authority.subject.text)}`;
}
