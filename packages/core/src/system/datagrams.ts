/** Sends datagrams to sockets that have a path, by the native addon, because Node.js cannot. */

import { getSystemErrorName } from "node:util";
import { SigtoolError } from "../errors.js";
import { loadNative, whyNoNative } from "./native.js";

/** Sends a message, or throws the error of the system: EAGAIN if the receiver has no room. Never waits. */
export type DatagramSender = (path: string, message: Uint8Array) => void;

/** @throws ERR_UNSUPPORTED_PLATFORM if this is not Linux, or the addon is missing */
export function datagramSender(): DatagramSender {
	const { sendDatagram } = loadNative() ?? {};
	if (sendDatagram === undefined) {
		const { reason, remedy } = whyNoNative();
		const message =
			process.platform === "linux"
				? `Cannot send to a journal: ${reason}; ${remedy}`
				: "Cannot send to a journal: only Linux has one";
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", message);
	}
	return (path, message) => {
		const result = sendDatagram(path, message);
		if (result === true) return;
		const code = getSystemErrorName(-result);
		throw Object.assign(new Error(`${code}: send to ${path}`), { code });
	};
}
