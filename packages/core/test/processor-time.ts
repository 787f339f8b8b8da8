/** Returns the time in milliseconds for which this process has used processors. Other processes do not add to it. */
export function processorMs(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1000;
}
