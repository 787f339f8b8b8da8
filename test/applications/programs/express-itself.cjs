/** Starts the server, sends requests to itself, prints the answers, and ends. */
const server = require("./express.cjs");

server.on("listening", async () => {
	const origin = `http://127.0.0.1:${server.address().port}`;
	const json = { method: "POST", body: "[1, 2, 3]", headers: { "content-type": "application/json" } };
	const greeting = await (await fetch(`${origin}/greeting/world`)).text();
	const sum = await (await fetch(`${origin}/sum`, json)).text();
	const { status } = await fetch(`${origin}/nothing`);
	process.stdout.write(`${greeting} ${sum} ${status}\n`);
	process.emit("SIGTERM");
});
