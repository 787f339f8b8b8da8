/** Does what `next start` does with a site that was built, asks for its pages, prints the answers, and ends. */
const { createServer } = require("node:net");
const { join } = require("node:path");
const { nextStart } = require("next/dist/cli/next-start.js");

// What Next.js prints itself tells how long it took.
console.log = () => {};
const free = createServer().listen(0, "127.0.0.1", () => {
	const { port } = free.address();
	free.close(async () => {
		await nextStart({ port, hostname: "127.0.0.1" }, join(__dirname, "next"));
		const origin = `http://127.0.0.1:${port}`;
		const page = await (await fetch(origin)).text();
		const square = await (await fetch(`${origin}/squares/3`)).text();
		const sum = await (await fetch(`${origin}/api/sum`, { method: "POST", body: "[1, 2, 3]" })).text();
		const { status } = await fetch(`${origin}/nothing`);
		process.stdout.write(`${/<h1>.*?<\/h1>/.exec(page)} ${/<p>area .*?<\/p>/.exec(square)} ${sum} ${status}\n`);
		process.exit(0);
	});
});
