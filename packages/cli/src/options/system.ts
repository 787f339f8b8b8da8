import { SigtoolError } from "@sigtool/core/errors";

const NAMES: Readonly<Record<string, string>> = { darwin: "macOS", win32: "Windows" };

/**
 * Requires Linux for a command that starts programs under the launcher, or makes parts for that.
 * @throws ERR_UNSUPPORTED_PLATFORM
 */
export function requireLinux(command: string): void {
	if (process.platform === "linux") return;
	const system = NAMES[process.platform] ?? process.platform;
	const message = `Cannot use \`sigtool ${command}\` on ${system}: programs run under sigtool on Linux only; commands such as sign and verify work here`;
	throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", message);
}
