const fastify = require("fastify");

const server = fastify();
const schema = {
	body: {
		type: "object",
		properties: { numbers: { type: "array", items: { type: "number" } } },
		required: ["numbers"],
	},
	response: { 200: { type: "object", properties: { sum: { type: "number" } } } },
};
server.post("/sum", { schema }, async ({ body }) => ({ sum: body.numbers.reduce((a, b) => a + b, 0), unseen: true }));
server.get("/greeting/:name", async ({ params }) => ({ hello: params.name }));

async function main() {
	const origin = await server.listen({ port: 0, host: "127.0.0.1" });
	const post = async (body) => {
		const headers = { "content-type": "application/json" };
		const response = await fetch(`${origin}/sum`, { method: "POST", body: JSON.stringify(body), headers });
		return `${response.status} ${await response.text()}`;
	};
	process.stdout.write(`${await post({ numbers: [1, 2, 3] })}\n${await post({})}\n`);
	process.stdout.write(`${await (await fetch(`${origin}/greeting/world`)).text()}\n`);
	await server.close();
}
main();
