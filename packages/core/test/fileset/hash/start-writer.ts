import { onTestFinished } from "vitest";
import { spawn } from "../../../../../test/outside.js";

/** Starts a process that changes the file at `path` without pause until the test ends. */
export async function startWriter(path: string): Promise<void> {
	const code = `
		const { openSync, writeSync } = require("node:fs");
		const descriptor = openSync(process.argv[1], "r+");
		process.send("open");
		for (let count = 0; ; count++) writeSync(descriptor, String(count).padStart(16), 0);`;
	const child = spawn(process.execPath, ["-e", code, path], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
	const end = new Promise((resolve) => child.once("exit", resolve));
	onTestFinished(async () => {
		child.kill("SIGKILL");
		await end;
	});
	await new Promise((resolve, reject) => child.once("message", resolve).once("exit", reject));
}
