import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { DerReader, encode, integer, sequence, TAG } from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";
import { newTimestamp } from "../../dist/formats/cat-envelope.js";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import { parseSignedData, type SignerInfo } from "../../dist/pki/cms.js";
import { fetchTimestamp } from "../../dist/pki/fetch-timestamp.js";
import { TOKEN_ATTRIBUTE, verifyNewToken, verifyTimestamps } from "../../dist/pki/timestamp.js";
import { encodeRequest, newNonce, parseResponse } from "../../dist/pki/timestamp-request.js";
import { exchange } from "../../dist/system/http.js";
import { forgeReply, generalizedTimeOf } from "./forged-token.js";
import { type Exchange, forgedReply, type LocalServer, replyTo, sendReply, serve, TIME_STAMPER } from "./local-tsa.js";
import { CODE_SIGNER, type Issued, needsOpenssl, openWorkshop, type Workshop } from "./openssl.js";

const SIGNATURE = Buffer.from("a signature value");

describe("fetchTimestamp() from an authority made of openssl ts", () => {
	let workshop: Workshop;
	let root: Issued;
	let authority: Issued;
	let signer: Issued;
	let stranger: Issued;
	const servers: LocalServer[] = [];

	beforeAll(() => {
		workshop = openWorkshop();
		needsOpenssl();
		root = workshop.issue({ subject: "/CN=Time root", key: "p256" });
		authority = stamper("/CN=Time authority");
		signer = workshop.issue({ subject: "/CN=Signer", extensions: CODE_SIGNER.slice(0, 4), key: "p256" });
		stranger = workshop.issue({ subject: "/CN=Stranger" });
	});
	afterEach(async () => {
		for (const server of servers.splice(0)) await server.close();
	});
	afterAll(() => workshop.remove());

	const stampers = new Map<string, Issued>();
	/** Issues a certificate for timestamps, once for each subject. */
	const stamper = (subject: string, order: Partial<Parameters<Workshop["issue"]>[0]> = {}) => {
		const known = stampers.get(subject);
		const made = known ?? workshop.issue({ subject, issuer: root, extensions: TIME_STAMPER, key: "p256", ...order });
		stampers.set(subject, made);
		return made;
	};

	async function server(answer: (exchange: Exchange) => void): Promise<LocalServer> {
		const started = await serve(answer);
		servers.push(started);
		return started;
	}
	const fetch = (...urls: string[]) =>
		fetchTimestamp(SIGNATURE, signer.certificate, { urls, anchors: [root.certificate], timeoutMs: 10_000 });
	const good = ({ query, response }: Exchange) => sendReply(response, replyTo(query, authority, workshop));

	it("returns a token over the signature by a trusted authority", async () => {
		const { url, requests } = await server(good);
		const { token, time, authority: found, url: used } = await fetch(url);
		expect(found.subject.text).toBe("CN=Time authority");
		expect(used).toBe(url);
		expect(Math.abs(time - Date.now())).toBeLessThan(300_000);
		expect(parseSignedData(token, "token").certificates).not.toHaveLength(0);
		expect(requests[0]).toMatchObject({ method: "POST" });
		expect(requests[0].headers["content-type"]).toBe("application/timestamp-query");
	});

	/** Returns the query with a change in its imprint or nonce. */
	function altered(query: Buffer, part: "imprint" | "nonce"): Buffer {
		const reader = new DerReader(query, "query");
		reader.open(TAG.SEQUENCE);
		reader.integer();
		const outer = reader.open(TAG.SEQUENCE);
		reader.next(TAG.SEQUENCE);
		reader.next(TAG.OCTET_STRING);
		if (part === "nonce") {
			reader.leave(outer);
			reader.next(TAG.INTEGER);
		}
		const copy = Buffer.from(query);
		copy[reader.valueEnd - 1] ^= 1;
		return copy;
	}

	/** Returns the query with the OID of SHA3-256 for its 32 bytes. */
	const asSha3 = (query: Buffer) => {
		const copy = Buffer.from(query);
		const sha256 = Buffer.from("608648016503040201", "hex");
		copy[copy.indexOf(sha256) + sha256.length - 1] = 8;
		return copy;
	};

	/** Answers with a token that is correct except for the extended key usage of its signer. */
	const forgedBy =
		(extendedKeyUsage: string) =>
		({ query, response }: Exchange) => {
			const extensions = TIME_STAMPER.map((line) => line.replace("critical,timeStamping", extendedKeyUsage));
			const forger = stamper(`/CN=Forger for ${extendedKeyUsage}`, { extensions });
			sendReply(response, forgedReply(query, authority, forger, workshop));
		};

	const REFUSED: Record<string, { answer: (exchange: Exchange) => void; because: RegExp }> = {
		"a token over another imprint": {
			answer: ({ query, response }) => sendReply(response, replyTo(altered(query, "imprint"), authority, workshop)),
			because: /issued for another signature \[ERR_TIMESTAMP\]/,
		},
		"another nonce": {
			answer: ({ query, response }) => sendReply(response, replyTo(altered(query, "nonce"), authority, workshop)),
			because: /nonce is not the one that was sent \[ERR_TIMESTAMP\]/,
		},
		"an imprint of another algorithm": {
			answer: ({ query, response }) => sendReply(response, replyTo(asSha3(query), authority, workshop)),
			because: /not of SHA-256, as asked for \[ERR_TIMESTAMP\]/,
		},
		"a certificate that is not for timestamps": {
			answer: forgedBy("codeSigning"),
			because: /does not name timeStamping \[ERR_CERTIFICATE_PURPOSE\]/,
		},
		"a certificate whose extended key usage is not critical": {
			answer: forgedBy("timeStamping"),
			because: /not timeStamping alone and critical \[ERR_CERTIFICATE_PURPOSE\]/,
		},
		"a certificate that is for code as well": {
			answer: forgedBy("critical,timeStamping,codeSigning"),
			because: /names both timeStamping and codeSigning \[ERR_CERTIFICATE_PURPOSE\]/,
		},
		"a certificate for the key of the signer": {
			answer: ({ query, response }) =>
				sendReply(response, replyTo(query, stamper("/CN=Own time", { sameKeyAs: signer }), workshop)),
			because: /the key that made the signature made it too.* \[ERR_TIMESTAMP\]/,
		},
		"an authority that has expired": {
			answer: ({ query, response }) =>
				sendReply(response, replyTo(query, stamper("/CN=Old", { notAfter: "20210101000000Z" }), workshop)),
			because: /it expired on 2021.* \[ERR_CERTIFICATE_EXPIRED\]/,
		},
		"an authority that nobody vouches for": {
			answer: ({ query, response }) => {
				const strange = stamper("/CN=Strange", { issuer: stranger });
				sendReply(response, replyTo(query, strange, workshop));
			},
			because: /no certificate of .* was found \[ERR_CHAIN_INCOMPLETE\]/,
		},
		"a certificate named by SHA-1": {
			answer: ({ query, response }) => sendReply(response, replyTo(query, authority, workshop, "sha1")),
			because: /by SHA-1 or not at all \[ERR_TIMESTAMP\]/,
		},
		"an answer that ends too early": {
			answer: ({ query, response }) => sendReply(response, replyTo(query, authority, workshop).subarray(0, -100)),
			because: /reaches past the end .* \[ERR_DER\]/,
		},
		"an answer of another type": {
			answer: ({ query, response }) =>
				response.writeHead(200, { "content-type": "text/html" }).end(replyTo(query, authority, workshop)),
			because: /of type "text\/html" \[ERR_TIMESTAMP\]/,
		},
		"a refusal": {
			answer: ({ response }) => {
				const text = sequence(encode(TAG.UTF8_STRING, Buffer.from("bad alg")));
				sendReply(response, sequence(sequence(integer(2), text, encode(TAG.BIT_STRING, Uint8Array.of(7, 0x80)))));
			},
			because: /refused with status 2, saying "bad alg" \[ERR_TIMESTAMP\]/,
		},
		"an answer without end": {
			answer: ({ response }) => {
				response.writeHead(200, { "content-type": "application/timestamp-reply" });
				response.end(Buffer.alloc(2 ** 20 + 1));
			},
			because: /larger than 1048576 bytes \[ERR_LIMIT\]/,
		},
	};

	it.each(Object.entries(REFUSED))(
		"refuses %s, after one request, and asks the next authority",
		async (_, { answer, because }) => {
			const bad = await server(answer);
			await expect(fetch(bad.url)).rejects.toThrow(because);
			await expect(fetch(bad.url)).rejects.toMatchObject({ code: "ERR_TIMESTAMP" });
			expect(bad.requests).toHaveLength(2);
			const next = await server(good);
			expect((await fetch(bad.url, next.url)).url).toBe(next.url);
		},
	);

	it.each([
		["whose extended key usage is not critical", "timeStamping"],
		["that is for e-mail as well", "critical,timeStamping,emailProtection"],
	])(
		"a token by a certificate %s is refused when it is new, and accepted when it is read",
		async (_, extendedKeyUsage) => {
			const { url } = await server(forgedBy(extendedKeyUsage));
			expect(await readFrom(url)).toMatchObject({ timestamps: [{}], failures: [] });
			await expect(fetch(url)).rejects.toMatchObject({ code: "ERR_TIMESTAMP" });
		},
	);

	it.each(["critical,timeStamping,codeSigning", "codeSigning,emailProtection,timeStamping"])(
		"a token by a certificate with the usage %s is refused when it is new, and when it is read",
		async (extendedKeyUsage) => {
			const { url } = await server(forgedBy(extendedKeyUsage));
			const failures = [{ code: "ERR_CERTIFICATE_PURPOSE" }];
			expect(await readFrom(url)).toMatchObject({ timestamps: [], failures });
			await expect(fetch(url)).rejects.toMatchObject({ code: "ERR_TIMESTAMP" });
		},
	);

	/** Puts the token that the server makes into a signature, and returns the result of the verification. */
	async function readFrom(url: string) {
		const unsignedAttributes = [{ oid: TOKEN_ATTRIBUTE, values: [await fetchRaw(url)] }];
		const signed = { signature: SIGNATURE, unsignedAttributes } as unknown as SignerInfo;
		return verifyTimestamps(signed, { certificates: [], anchors: [root.certificate], profile: "default" });
	}

	/** Returns the token that the server makes, unverified. */
	async function fetchRaw(url: string): Promise<Uint8Array> {
		const { body } = await exchange({ url, body: encodeRequest(SIGNATURE, newNonce()), maxBytes: 65_536 });
		return parseResponse(body);
	}

	it("asks three times when the status is 500, and accepts the third answer", async () => {
		let count = 0;
		const { url, requests } = await server((exchange) => {
			count++;
			if (count < 3) exchange.response.writeHead(500).end();
			else good(exchange);
		});
		await fetch(url);
		expect(requests).toHaveLength(3);
	});

	it("gives up after three answers with status 500 or aborted connections", async () => {
		const failing = await server(({ response }) => response.writeHead(503).end());
		const cut = await server(({ query, response }) => {
			const reply = replyTo(query, authority, workshop);
			response.writeHead(200, { "content-type": "application/timestamp-reply", "content-length": reply.length });
			response.write(reply.subarray(0, 100), () => response.destroy());
		});
		await expect(fetch(failing.url, cut.url)).rejects.toMatchObject({
			code: "ERR_NETWORK",
			message: expect.stringMatching(/status 503 \[ERR_NETWORK\]; .*\[ERR_NETWORK\]$/),
		});
		expect([failing, cut].map(({ requests }) => requests.length)).toEqual([3, 3]);
	});

	it("asks a server that never answers once, then the next", async () => {
		const hanging = await server(() => {});
		const stalling = await server(({ response }) => {
			response.writeHead(200, { "content-type": "application/timestamp-reply", "content-length": 5000 });
			response.write("0");
		});
		const options = { anchors: [root.certificate], timeoutMs: 1000 };
		await expect(
			fetchTimestamp(SIGNATURE, signer.certificate, { ...options, urls: [hanging.url, stalling.url] }),
		).rejects.toThrow(/no answer within 1 s .*no answer within 1 s/);
		expect([hanging, stalling].map(({ requests }) => requests.length)).toEqual([1, 1]);
	});

	it("a truncation or a change of any byte never gives a token with another time or signer", () => {
		const nonce = newNonce();
		const reply = replyTo(encodeRequest(SIGNATURE, nonce), authority, workshop);
		const judge = (bytes: Uint8Array) => {
			const { time, certificate } = verifyNewToken(parseResponse(bytes), SIGNATURE, nonce, {
				anchors: [root.certificate],
				signer: signer.certificate,
			});
			return `${time} ${certificate.subject.text}`;
		};
		const original = judge(reply);
		for (let position = 0; position < reply.length; position++) {
			const altered = Buffer.from(reply);
			altered[position] ^= 1 << (position % 8);
			for (const bytes of [altered, reply.subarray(0, position)]) {
				try {
					expect(judge(bytes), `byte ${position}`).toBe(original);
				} catch (error) {
					if (!(error instanceof SigtoolError)) throw error;
				}
			}
		}
	});

	it("refuses an authority that is denied, and asks the next", async () => {
		const [first, second] = [
			await server(good),
			await server(({ query, response }) => {
				sendReply(response, replyTo(query, stamper("/CN=Other authority"), workshop));
			}),
		];
		const deny = [{ kind: "key", sha256: spkiSha256(authority.certificate), reason: "stolen" }] as const;
		const request = { urls: [first.url, second.url], anchors: [root.certificate], deny };
		expect((await fetchTimestamp(SIGNATURE, signer.certificate, request)).url).toBe(second.url);
		await expect(fetchTimestamp(SIGNATURE, signer.certificate, { ...request, urls: [first.url] })).rejects.toThrow(
			/stolen \[ERR_DENIED\]/,
		);
	});

	it("asks no other authority when the proxy is malformed", async () => {
		vi.stubEnv("http_proxy", "socks5://127.0.0.1:1");
		vi.stubEnv("no_proxy", "");
		try {
			await expect(fetch("http://a.invalid/", "http://b.invalid/")).rejects.toMatchObject({ code: "ERR_CONFIG" });
		} finally {
			vi.unstubAllEnvs();
		}
	});

	it("newTimestamp() refuses a timestamp later than the validity of the signer's certificate", async () => {
		const { url } = await server(good);
		const request = { urls: [url], anchors: [root.certificate] };
		const expired = workshop.issue({ subject: "/CN=Gone", notAfter: "20210101000000Z" }).certificate;
		await expect(newTimestamp(SIGNATURE, expired, request)).rejects.toThrow(/"CN=Gone" is valid from 2020-.* to 2021-/);
		expect((await newTimestamp(SIGNATURE, signer.certificate, request)).url).toBe(url);
	});

	/** Answers with a token that is correct except for its time, which differs from this machine's clock. */
	const shifted =
		(milliseconds: number) =>
		({ query, response }: Exchange) => {
			const genTime = generalizedTimeOf(Date.now() + milliseconds);
			const reply = forgeReply(query, stamper("/CN=Time authority"), { tstInfo: (fields) => ({ ...fields, genTime }) });
			sendReply(response, reply);
		};

	it("a token whose time the signer's certificate does not reach does not end the list", async () => {
		const late = await server(shifted(240_000));
		const next = await server(good);
		const notAfter = new Date(Date.now() + 120_000).toISOString().replace(/[-:T]|\.\d+/g, "");
		const ending = workshop.issue({ subject: "/CN=Ending", key: "p256", notAfter }).certificate;
		const anchors = [root.certificate];
		await expect(newTimestamp(SIGNATURE, ending, { urls: [late.url], anchors })).rejects.toMatchObject({
			code: "ERR_TIMESTAMP",
			message: expect.stringMatching(/^Cannot get a timestamp: "http.*": its time is .*"CN=Ending" is valid from/),
		});
		expect((await newTimestamp(SIGNATURE, ending, { urls: [late.url, next.url], anchors })).url).toBe(next.url);
	});

	it.each([
		["ahead of", 360_000],
		["behind", -360_000],
	])("a token six minutes %s our clock is refused with both times, and the next authority asked", async (_, shift) => {
		const wrong = await server(shifted(shift));
		const next = await server(good);
		await expect(fetch(wrong.url)).rejects.toMatchObject({
			code: "ERR_TIMESTAMP",
			message: expect.stringMatching(
				/its time is 20\S+Z, but the clock here says 20\S+Z; they may differ by 5 minutes/,
			),
		});
		expect((await fetch(wrong.url, next.url)).url).toBe(next.url);
	});

	it.each([240_000, -240_000])("a token %d ms off our clock is accepted", async (shift) => {
		const { url } = await server(shifted(shift));
		expect((await fetch(url)).url).toBe(url);
	});

	it("sends nothing when no authority is trusted for timestamps, or a URL is malformed", async () => {
		const refuse = async (urls: string[], anchors = [root.certificate]) => {
			const error: unknown = await fetchTimestamp(SIGNATURE, signer.certificate, { urls, anchors }).catch(
				(caught) => caught,
			);
			expect(error).toBeInstanceOf(SigtoolError);
			return (error as SigtoolError).message;
		};
		expect(await refuse(["http://127.0.0.1:1/"], [])).toContain("--tsa-trust");
		expect(await refuse(["ftp://127.0.0.1/"])).toContain("not an http or https URL");
		expect(await refuse(["http://user:secret@127.0.0.1/"])).not.toContain("secret");
	});
});
