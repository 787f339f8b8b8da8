import { describe, expect, it } from "vitest";
import { makeApplication, RELEASES } from "./application.js";

const MAIN = `
const seen = [];
require("node:diagnostics_channel").subscribe("sigtool:audit", (event) => {
	if (/^(fs|net|dns|process)[.]/.test(event.event)) seen.push(event);
});
const fs = require("fs");
const net = require("net");
fs.readFileSync(__filename);
fs.closeSync(fs.openSync("/dev/null", "w"));
fs.writeFileSync("/dev/null", "x");
process.env.GREETING = "hello";
delete process.env.GREETING;
const { lookup } = require("dns");
const later = [
	fs.promises.readFile("/dev/null"),
	require("util").promisify(lookup)("127.0.0.1"),
	new Promise((done) => net.connect({ host: "127.0.0.1", port: 9 }).on("error", done).on("connect", done)),
	new Promise((done) => require("http").get("http://127.0.0.1:9/").on("error", done)),
];
Promise.all(later).then(([content, { address }]) => {
	const lines = seen.map(({ event, path, flags, host, port, name, operation }) => {
		return [event, path, flags, host, port, name, operation].filter((value) => value !== undefined).join(" ");
	});
	console.log(JSON.stringify({ lines, address, length: content.length, greeting: process.env.GREETING }));
});
`;

describe.each(RELEASES)("Node.js %s", (release) => {
	it("raises events for files, sockets, names and variables, on the channel and not in the sinks", async () => {
		using application = await makeApplication({ "main.js": MAIN });
		const { status, stdout, stderr } = application.run(release, ["main.js"]);
		expect([status, stderr]).toEqual([0, ""]);
		const { lines, ...rest } = JSON.parse(stdout);
		expect(rest).toEqual({ address: "127.0.0.1", length: 0 });
		expect(lines).toEqual(
			expect.arrayContaining([
				`fs.open ${application.directory}/main.js r`,
				"fs.open /dev/null w",
				"fs.open /dev/null r",
				"process.env GREETING set",
				"process.env GREETING delete",
				"dns.lookup 127.0.0.1",
				"net.connect 127.0.0.1 9",
			]),
		);
		expect(lines.filter((line: string) => line === "net.connect 127.0.0.1 9")).toHaveLength(2);
		expect(application.events().filter(({ event }) => event === "fs.open")).toEqual([]);
	});
});
