import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { execFile } from "../../../../test/outside.js";
import { exchange } from "../../dist/system/http.js";
import { proxyAuthorization, proxyFor } from "../../dist/system/http-url.js";
import { openWorkshop } from "../pki/openssl.js";

const HTTP = new URL("../../dist/system/http.js", import.meta.url).href;
const servers: { close: () => void; closeAllConnections: () => void }[] = [];
afterEach(() => {
	vi.unstubAllEnvs();
	vi.restoreAllMocks();
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		server.close();
	}
});

async function listen(server: Server): Promise<string> {
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Starts a server that redirects several times, once with each of these statuses, and then serves a page. `seen` lists
 * the method and path of each request.
 */
async function redirecting(statuses: readonly number[], location = "/"): Promise<{ url: string; seen: string[] }> {
	const seen: string[] = [];
	const host = await listen(
		createServer((request, response) => {
			seen.push(`${request.method} ${request.url}`);
			const hop = Number(/\d+$/.exec(request.url ?? "")?.[0] ?? 0);
			const status = statuses[hop];
			if (status === undefined) response.end("here");
			else response.writeHead(status, { location: `${location}${hop + 1}` }).end();
		}),
	);
	return { url: `http://${host}/0`, seen };
}

const get = (url: string) => exchange({ url, maxBytes: 1000 });
const post = (url: string) => exchange({ url, maxBytes: 1000, body: Buffer.from("question") });

describe("exchange()", () => {
	it("tells status, type and body of whatever is not tried again", async () => {
		const host = await listen(
			createServer((_, response) => response.writeHead(404, { "content-type": "Text/Plain; charset=x" }).end("no")),
		);
		expect(await get(`http://${host}/`)).toEqual({ status: 404, contentType: "text/plain", body: Buffer.from("no") });
	});

	it("follows three redirects, and no fourth", async () => {
		const three = await redirecting([301, 302, 307]);
		expect((await get(three.url)).body.toString()).toBe("here");
		expect(three.seen).toEqual(["GET /0", "GET /1", "GET /2", "GET /3"]);
		await expect(get((await redirecting([301, 302, 303, 308])).url)).rejects.toMatchObject({ code: "ERR_NETWORK" });
	});

	it("repeats a POST where 307 and 308 lead, and makes no GET of it elsewhere", async () => {
		const repeated = await redirecting([307, 308]);
		expect((await post(repeated.url)).body.toString()).toBe("here");
		expect(repeated.seen).toEqual(["POST /0", "POST /1", "POST /2"]);
		const moved = await redirecting([301]);
		expect((await post(moved.url)).status).toBe(301);
	});

	it("follows no redirect with a password, and does not show it", async () => {
		const { url } = await redirecting([307], "http://user:secret@127.0.0.1/");
		const failure = await post(url).catch((error: Error) => error);
		expect(failure).toMatchObject({
			code: "ERR_NETWORK",
			message: expect.stringContaining("a user name or a password"),
		});
		expect(String(failure)).not.toContain("secret");
	});

	it("follows no redirect to another protocol", async () => {
		await expect(get((await redirecting([301], "file:///etc/passwd")).url)).rejects.toThrow("it redirects to");
	});

	it("is told of a server that switches protocols in place of an answer", async () => {
		const host = await listen(
			createServer(({ socket }) => {
				socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
			}),
		);
		await expect(post(`http://${host}/`)).rejects.toMatchObject({ code: "ERR_NETWORK" });
	});

	it("takes no more than it was told", async () => {
		const host = await listen(createServer((_, response) => response.end(Buffer.alloc(1001))));
		await expect(get(`http://${host}/`)).rejects.toMatchObject({ code: "ERR_LIMIT" });
	});

	it("says so when nobody listens", async () => {
		const host = await listen(createServer());
		servers.pop()?.close();
		await expect(get(`http://${host}/`)).rejects.toMatchObject({
			code: "ERR_NETWORK",
			message: expect.stringContaining("ECONNREFUSED"),
		});
	});
});

describe("exchange(), by a proxy", () => {
	it("asks for the whole URL, and tells the proxy alone its password", async () => {
		const seen: IncomingMessage[] = [];
		const proxy = await listen(
			createServer((request, response) => {
				seen.push(request);
				response.end("proxied");
			}),
		);
		vi.stubEnv("http_proxy", `http://me:s%20cret@${proxy}`);
		vi.stubEnv("no_proxy", "");
		expect((await post("http://tsa.invalid/tsr?x=1")).body.toString()).toBe("proxied");
		expect(seen[0].url).toBe("http://tsa.invalid/tsr?x=1");
		expect(seen[0].headers).toMatchObject({
			host: "tsa.invalid",
			"proxy-authorization": `Basic ${Buffer.from("me:s cret").toString("base64")}`,
		});
		expect(seen[0].headers.authorization).toBeUndefined();
	});

	it.each(["http", "https"])("names the proxy that refuses the connection, without its password: %s", async (of) => {
		const proxy = await listen(createServer());
		servers.pop()?.close();
		vi.stubEnv(`${of}_proxy`, `http://me:s%20cret@${proxy}`);
		vi.stubEnv("no_proxy", "");
		const failure = await get(`${of}://tsa.invalid/x`).catch((error: Error) => error);
		const message = `Cannot use "${of}://tsa.invalid/x" through the proxy "${proxy}": connection refused (ECONNREFUSED)`;
		expect(failure).toMatchObject({ code: "ERR_NETWORK", message });
	});

	it("says what a proxy answers that makes no connection", async () => {
		const proxy = await listen(createServer());
		const server = servers[0] as Server;
		server.on("connect", (_, socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
		vi.stubEnv("https_proxy", `http://${proxy}`);
		await expect(get("https://tsa.invalid/")).rejects.toThrow("answered with status 407");
	});

	it("connects through it for https, and lets it vouch for nothing", async () => {
		const workshop = openWorkshop();
		try {
			const extensions = ["basicConstraints=critical,CA:TRUE", "subjectAltName=IP:127.0.0.1"];
			const { file, keyFile } = workshop.issue({ subject: "/CN=localhost", extensions });
			const secure = createTlsServer({ cert: readFileSync(file), key: readFileSync(keyFile) }, (_, response) =>
				response.end("secret"),
			);
			const target = await listen(secure as unknown as Server);
			const proxy = createServer();
			const asked: string[] = [];
			proxy.on("connect", (request, socket) => {
				asked.push(request.url ?? "");
				const [host, port] = target.split(":");
				const upstream = connect(Number(port), host, () => {
					socket.write("HTTP/1.1 200 OK\r\n\r\n");
					upstream.pipe(socket).pipe(upstream);
				});
				upstream.on("error", () => socket.destroy());
				socket.on("error", () => upstream.destroy());
			});
			vi.stubEnv("https_proxy", `http://${await listen(proxy)}`);
			vi.stubEnv("no_proxy", "");
			await expect(get(`https://${target}/`)).rejects.toThrow(/self-signed certificate/);
			const program = `import { exchange } from ${JSON.stringify(HTTP)};
				console.log(String((await exchange({ url: "https://${target}/", maxBytes: 100 })).body));`;
			const trusting = { ...process.env, NODE_EXTRA_CA_CERTS: file };
			const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { env: trusting });
			expect((await run).stdout).toBe("secret\n");
			expect(new Set(asked)).toEqual(new Set([target]));
		} finally {
			workshop.remove();
		}
	});
});

describe("proxyFor()", () => {
	const by = (url: string, environment: Record<string, string>) => proxyFor(new URL(url), environment)?.host;

	it("takes the variable of the protocol, and capitals for https only", () => {
		const environment = { http_proxy: "http://a:1", HTTP_PROXY: "http://b:2", HTTPS_PROXY: "http://c:3" };
		expect(by("http://x/", environment)).toBe("a:1");
		expect(by("http://x/", { HTTP_PROXY: "http://b:2" })).toBeUndefined();
		expect(by("https://x/", environment)).toBe("c:3");
		expect(by("https://x/", { https_proxy: "proxy:8080" })).toBe("proxy:8080");
	});

	it.each([
		["example.com", "http://example.com/", true],
		["example.com", "http://a.example.com/", true],
		[".example.com", "http://a.example.com/", true],
		["example.com", "http://badexample.com/", false],
		["a, example.com:8080", "http://example.com:8080/", true],
		["example.com:80", "http://example.com/", true],
		["example.com:8080", "http://example.com/", false],
		["[::1]", "http://[::1]:9/", true],
		["*", "http://anything/", true],
		["", "http://anything/", false],
		["::1", "http://[::1]/", true],
		["0:0:0:0:0:0:0:1", "http://[::1]:9/", true],
		["a,2001:DB8::1", "https://[2001:db8::1]/", true],
		["[2001:db8:0::1]:443", "https://[2001:db8::1]/", true],
		["[::1]:8080", "http://[::1]:9/", false],
		["::1", "http://[::2]/", false],
		["::ffff:127.0.0.1", "http://[::ffff:7f00:1]/", true],
		["fe80::1%eth0", "http://[fe80::1]/", false],
	])("no_proxy %j, %s: %s", (list, url, excepted) => {
		const environment = { http_proxy: "p:1", https_proxy: "p:1", no_proxy: list };
		expect(by(url, environment)).toBe(excepted ? undefined : "p:1");
	});

	it.each(["http://me:50%@p:1", "http://50%zz:secret@p:1", "http://me:%ff@p:1"])(
		"refuses a proxy whose %% is not percent-encoding, at once and without its password: %s",
		async (proxy) => {
			vi.stubEnv("http_proxy", proxy);
			vi.stubEnv("no_proxy", "");
			const timers = vi.spyOn(globalThis, "setTimeout");
			const failure = await get("http://127.0.0.1:9/").catch((error: Error) => error);
			expect(failure).toMatchObject({ code: "ERR_CONFIG", message: expect.stringMatching(/"http_proxy".*%25/) });
			expect(String(failure)).not.toMatch(/secret|50%/);
			expect(timers).not.toHaveBeenCalled(); // A second attempt would come after a pause.
		},
	);

	it("decodes user name and password of a proxy", () => {
		const proxy = proxyFor(new URL("http://x/"), { http_proxy: "http://me%40home:50%25@p:1" });
		const header = proxy === undefined ? undefined : proxyAuthorization(proxy);
		expect(header).toBe(`Basic ${Buffer.from("me@home:50%").toString("base64")}`);
	});

	it("refuses a proxy of another protocol without repeating its password", () => {
		expect(() => by("http://x/", { http_proxy: "socks5://me:secret@p:1" })).toThrow(/"http_proxy".*http:\/\/host:port/);
		expect(() => by("http://x/", { http_proxy: "socks5://me:secret@p:1" })).not.toThrow(/secret/);
	});
});
