/** Tests `verify --format`: every status of a file, and the choice of the key. */

import {
	appendFileSync,
	copyFileSync,
	linkSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeCertificate, newPrivateKey } from "../../../core/test/pki/make-certificate.js";
import {
	canWriteAttributes,
	daysFromNow,
	getfattr,
	makeAuthority,
	makeSelfSigned,
	makeTree,
	type Run,
	runner,
	type SelfSigned,
	setfattr,
	temporaryDirectory,
	writeKeyAndCertificate,
} from "../support.js";

const isPossible = canWriteAttributes("user");
const needs = "(needs attr and user attributes)";
const USER = ["--namespace", "user"];

function open(tree: Parameters<typeof makeTree>[1] = { "a.js": "a\n", "b.js": "b\n" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "tree"), tree);
	const run = runner(home);
	const sign = (key: SelfSigned, files: readonly string[], ...args: string[]) => {
		const paths = files.map((file) => join(root, file));
		const signed = run(["sign", ...paths, "--key", key.keyFile, "--cert", key.certFile, ...USER, ...args]);
		expect(signed).toMatchObject({ status: 0 });
	};
	const verify = (...args: string[]) => run(["verify", root, ...USER, ...args]);
	return { home, root, run, sign, verify, at: (file: string) => join(root, file) };
}

/** Returns `status code` of every file, in the order of paths. */
function verdicts(run: Run): Record<string, string> {
	const [{ attributes }] = run.json().results;
	return Object.fromEntries(
		attributes.map(({ path, status, code }: Record<string, string>) => [path, [status, code].join(" ").trim()]),
	);
}

describe.skipIf(!isPossible)(`the statuses ${needs}`, () => {
	const STATUSES = {
		"bare.js": ["hash-only", "ERR_UNSIGNED", "1 hash matches; nothing is signed"],
		"changed.js": ["mismatch", "ERR_SIGNATURE", '"changed.js" does not match its signature by key'],
		"cut.js": ["malformed", "ERR_ATTRIBUTE_FORMAT", '"cut.js" is malformed: Cannot parse IMA attribute: '],
		"foreign.js": ["untrusted-signer", "ERR_UNTRUSTED_SIGNER", "no trusted certificate goes by that id"],
		"none.js": ["unsigned", "ERR_UNSIGNED", '"none.js" has no attribute user.ima'],
		"right.js": ["trusted", undefined, undefined],
		"stale.js": ["mismatch", "ERR_FILE_MODIFIED", '"stale.js" was modified'],
		"weak.js": ["malformed", "ERR_WEAK_DIGEST", "SHA-1 is no evidence"],
	} as const;
	// The type assertion is safe: Object.keys() returns these keys, but its type is string[].
	const FILES = Object.keys(STATUSES) as (keyof typeof STATUSES)[];

	/** Makes a tree that has a file of each status. */
	function openAll() {
		const tree = open(Object.fromEntries(FILES.map((file) => [file, `// ${file}\n`])));
		const [ours, theirs] = ["ours", "theirs"].map((name) => makeSelfSigned(join(tree.home, name)));
		tree.sign(ours, ["changed.js", "cut.js", "right.js"], "--format", "ima");
		tree.sign(theirs, ["foreign.js"], "--format", "ima");
		const hashed = ["bare.js", "stale.js"].map(tree.at);
		expect(tree.run(["sign", ...hashed, "--format", "ima-hash", ...USER])).toMatchObject({ status: 0 });
		appendFileSync(tree.at("changed.js"), "!");
		appendFileSync(tree.at("stale.js"), "!");
		setfattr(tree.at("cut.js"), "user.ima", getfattr(tree.at("cut.js"), "user.ima")?.subarray(0, -1) ?? Buffer.of());
		setfattr(tree.at("weak.js"), "user.ima", Buffer.concat([Buffer.of(1), Buffer.alloc(20)]));
		return { ...tree, trust: ["--format", "ima", "--trust", ours.certFile] };
	}

	test("are shown for each file with the code, in the table and with --json", () => {
		const { root, verify, trust } = openAll();
		const document = verify(...trust, "--json");
		expect(document).toMatchObject({ status: 1, stderr: "" });
		expect(verdicts(document)).toEqual(
			Object.fromEntries(FILES.map((file) => [file, STATUSES[file].slice(0, 2).join(" ").trim()])),
		);
		const [result] = document.json().results;
		expect(result).toMatchObject({ verdict: "failed", files: 8, links: 0, binds: "content" });
		expect(result.counts).toEqual({
			...{ trusted: 1, "hash-only": 1, unsigned: 1, mismatch: 2, "untrusted-signer": 1, malformed: 2 },
		});

		const table = verify(...trust, "--verbose");
		expect(table).toMatchObject({ status: 1, stderr: "" });
		expect(table.stdout).toMatch(new RegExp(`^failed ${root}: 7 problems: .*\n  checked  8 files for ima\n`));
		expect(table.stdout).toContain(
			"found    1 trusted, 1 hash-only, 1 unsigned, 2 mismatch, 1 untrusted-signer, 2 malformed\n",
		);
		for (const file of FILES) {
			expect(table.stdout).toMatch(new RegExp(`^  ${STATUSES[file][0]} +ima +${file}$`, "m"));
		}
	});

	test.each(FILES)("%s alone ends with the exit status of its code", (file) => {
		const { at, run, trust } = openAll();
		const [status, code, message] = STATUSES[file];
		const table = run(["verify", at(file), ...USER, ...trust]);
		const document = run(["verify", at(file), ...USER, ...trust, "--json"]);
		expect([table.status, document.status, document.json().exit]).toEqual(status === "trusted" ? [0, 0, 0] : [1, 1, 1]);
		expect(verdicts(document)).toEqual({ [file]: [status, code].join(" ").trim() });
		if (message === undefined) {
			expect(table).toMatchObject({ stderr: "", stdout: expect.stringContaining(`trusted ${at(file)}\n`) });
		} else {
			expect(table.stderr).toBe("");
			expect(table.stdout).toContain(message);
			expect(table.stdout).toContain(`[${code}]\n`);
			expect(document.json().results[0].findings).toMatchObject([{ code }]);
		}
	});

	test("--allow-unsigned accepts hashes only for formats that are hashes", () => {
		const { at, run, root, verify, trust } = openAll();
		const findings = (run: Run) => run.json().results[0].findings.map(({ path }: { path: string }) => path);
		const bad = FILES.filter((file) => !["bare.js", "right.js"].includes(file));
		expect(findings(verify(...trust, "--allow-unsigned", "--json"))).toEqual([root, ...bad]);
		for (const file of bad) rmSync(at(file));
		expect(verify(...trust, "--allow-unsigned")).toMatchObject({ status: 1 });
		rmSync(at("right.js"));
		const hashes = (...more: string[]) => run(["verify", root, "--format", "ima-hash", "--namespace", "user", ...more]);
		expect(hashes()).toMatchObject({ status: 1 });
		const unchanged = hashes("--allow-unsigned", "--json");
		expect(unchanged).toMatchObject({ status: 0, stderr: "" });
		expect(unchanged.json().results).toMatchObject([{ verdict: "unchanged", findings: [] }]);
		expect(hashes("--allow-unsigned").stdout).toContain(": hashes match; nothing is signed\n");
	});

	test("each of IMA's formats wants its own kind of value; ima judges them all", () => {
		const { home, verify, sign } = open();
		const signer = makeSelfSigned(join(home, "signer"));
		const trust = ["--trust", signer.certFile];
		sign(signer, ["a.js"], "--format", "ima");
		sign(signer, ["b.js"], "--format", "ima-verity");
		const statuses = (format: string) => {
			const { attributes } = verify("--format", format, ...trust, "--json").json().results[0];
			return attributes.map(({ path, status }: { path: string; status: string }) => [path, status]);
		};
		expect(statuses("ima")).toEqual([
			["a.js", "trusted"],
			["b.js", "trusted"],
		]);
		expect(statuses("ima-verity")).toEqual([
			["a.js", "malformed"],
			["b.js", "trusted"],
		]);
		expect(statuses("ima-hash")).toEqual([
			["a.js", "malformed"],
			["b.js", "malformed"],
		]);
	});
});

describe.skipIf(!isPossible)(`keys ${needs}`, () => {
	test("a self-signed certificate that is an authority, as `openssl req -x509` makes it, judges what it signed", () => {
		const { home, verify, sign } = open();
		const [keyFile, certFile] = [join(home, "self.key"), join(home, "self.pem")];
		const key = newPrivateKey("rsa2048");
		const extensions = [
			"basicConstraints=critical,CA:TRUE",
			"subjectKeyIdentifier=hash",
			"authorityKeyIdentifier=keyid",
			"extendedKeyUsage=codeSigning",
		];
		const certificate = makeCertificate({ subject: "/CN=Self", key, extensions, ...daysFromNow(9) });
		writeKeyAndCertificate(join(home, "self"), key, certificate);
		sign({ keyFile, certFile, derFile: "" }, ["a.js", "b.js"], "--format", "ima");
		expect(verify("--format", "ima", "--trust", certFile)).toMatchObject({ status: 0, stderr: "" });
	});

	test.each(["ima", "ima-verity", "evm"])("that share one key id are each tried for %s", (format) => {
		const { home, verify, sign } = open();
		const [first, second] = ["first", "second"].map((name) => makeSelfSigned(join(home, name), "P-256", "00112233"));
		const formats = format === "evm" ? ["--format", "ima", "--format", "evm"] : ["--format", format];
		sign(first, ["a.js"], ...formats);
		sign(second, ["b.js"], ...formats);
		const trust = (...keys: SelfSigned[]) => keys.flatMap(({ certFile }) => ["--trust", certFile]);

		for (const keys of [
			[first, second],
			[second, first],
		]) {
			const both = verify("--format", format, ...trust(...keys), "--json");
			expect(both).toMatchObject({ status: 0 });
			expect(verdicts(both)).toEqual({ "a.js": "trusted", "b.js": "trusted" });
			const signers = both.json().results[0].signers.map(({ subject }: { subject: string }) => subject);
			expect(signers).toEqual(["CN=first", "CN=second"]);
		}
		const one = verify("--format", format, ...trust(first), "--json");
		expect(one).toMatchObject({ status: 1 });
		expect(verdicts(one)).toEqual({ "a.js": "trusted", "b.js": "mismatch ERR_SIGNATURE" });
	});

	test("come from the trust store, and stop counting when removed from it", () => {
		const { home, run, sign, verify } = open();
		const key = makeSelfSigned(join(home, "key"));
		sign(key, ["a.js", "b.js"], "--format", "ima");
		expect(verdicts(verify("--format", "ima", "--json"))["a.js"]).toBe("untrusted-signer ERR_UNTRUSTED_SIGNER");
		expect(run(["trust", "add", key.certFile])).toMatchObject({ status: 0 });
		expect(verify("--format", "ima")).toMatchObject({ status: 0 });
		const [{ signers }] = verify("--format", "ima", "--json").json().results;
		expect(signers).toMatchObject([{ subject: "CN=key", trustedBy: { kind: "pin", source: "store" } }]);
		expect(run(["trust", "remove", signers[0].spkiSha256])).toMatchObject({ status: 0 });
		expect(verify("--format", "ima")).toMatchObject({ status: 1 });
	});

	test("under a trusted authority count if their certificate is given and valid", () => {
		const { home, sign, verify } = open();
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "authority"));
		sign({ keyFile, certFile, derFile: "" }, ["a.js", "b.js"], "--format", "ima");
		const trust = ["--format", "ima", "--trust", caFile];
		expect(verdicts(verify(...trust, "--json"))["a.js"]).toBe("untrusted-signer ERR_UNTRUSTED_SIGNER");
		expect(verify(...trust, "--cert", certFile)).toMatchObject({ status: 0 });
		const late = verify(...trust, "--cert", certFile, "--at", "2199-01-01", "--json");
		expect(late).toMatchObject({ status: 1 });
		expect(verdicts(late)["a.js"]).toBe("untrusted-signer ERR_CERTIFICATE_EXPIRED");
	});
});

describe.skipIf(!isPossible)(`IMA ${needs}`, () => {
	test("binds the content but not the path, and says so", () => {
		const { home, root, at, sign, verify } = open();
		const key = makeSelfSigned(join(home, "key"));
		sign(key, ["a.js", "b.js"], "--format", "ima");
		const trust = ["--format", "ima", "--trust", key.certFile];
		renameSync(at("a.js"), at("moved.js"));
		renameSync(at("b.js"), at("a.js"));
		mkdirSync(at("elsewhere"));
		renameSync(at("moved.js"), at("elsewhere/b.js"));
		const run = verify(...trust);
		expect(run).toMatchObject({ status: 0, stderr: "" });
		expect(run.stdout).toContain(`trusted ${root}\n`);
		expect(run.stdout).toContain("binds    content, not names: a signed file may stand in another's place\n");
		const [result] = verify(...trust, "--json").json().results;
		expect(result).toMatchObject({ verdict: "trusted", binds: "content" });
		expect(Object.keys(verdicts(verify(...trust, "--json")))).toEqual(["a.js", "elsewhere/b.js"]);
	});

	test("a value copied to a file with other content is refused", () => {
		const { home, at, sign, verify } = open();
		const key = makeSelfSigned(join(home, "key"));
		sign(key, ["a.js"], "--format", "ima");
		const value = getfattr(at("a.js"), "user.ima") ?? Buffer.alloc(0);
		setfattr(at("b.js"), "user.ima", value);
		const trust = ["--format", "ima", "--trust", key.certFile, "--json"];
		expect(verdicts(verify(...trust))).toEqual({ "a.js": "trusted", "b.js": "mismatch ERR_SIGNATURE" });
		writeFileSync(at("b.js"), readFileSync(at("a.js")));
		expect(verdicts(verify(...trust))).toEqual({ "a.js": "trusted", "b.js": "trusted" });
	});

	test("a hash that replaced a signature is only a hash, even if the content is the same", () => {
		const { home, root, run, sign, verify } = open();
		const key = makeSelfSigned(join(home, "key"));
		sign(key, ["a.js", "b.js"], "--format", "ima");
		expect(run(["sign", root, "--format", "ima-hash", ...USER])).toMatchObject({ status: 0 });
		const trust = ["--format", "ima", "--trust", key.certFile, "--json"];
		expect(verify(...trust)).toMatchObject({ status: 1 });
		expect(verdicts(verify(...trust))).toEqual({ "a.js": "hash-only ERR_UNSIGNED", "b.js": "hash-only ERR_UNSIGNED" });
	});

	test("a hash counts as signed only if a trusted EVM signature covers it", () => {
		const { home, at, run, root, sign, verify } = open();
		const key = makeSelfSigned(join(home, "key"));
		expect(run(["sign", root, "--format", "ima-hash", ...USER])).toMatchObject({ status: 0 });
		sign(key, ["a.js", "b.js"], "--format", "evm");
		const formats = ["--format", "ima-hash", "--format", "evm", "--trust", key.certFile];
		expect(verify(...formats)).toMatchObject({ status: 0 });
		expect(verify("--format", "ima-hash", "--trust", key.certFile)).toMatchObject({ status: 1 });

		// IMA alone does not find out that a file changed if the file also got a new hash. EVM finds it out.
		writeFileSync(at("b.js"), "another\n");
		expect(run(["sign", at("b.js"), "--format", "ima-hash", ...USER])).toMatchObject({ status: 0 });
		const statuses = verify(...formats, "--json").json().results[0].attributes;
		expect(statuses.slice(2)).toMatchObject([
			{ path: "b.js", format: "ima-hash", status: "hash-only" },
			{ path: "b.js", format: "evm", status: "mismatch", code: "ERR_SIGNATURE" },
		]);
		expect(verify(...formats)).toMatchObject({ status: 1 });
	});

	test("the attributes of a file with two names are written once", () => {
		const { home, at, run, root, verify } = open({ "a.js": "a\n" });
		const key = makeSelfSigned(join(home, "key"));
		linkSync(at("a.js"), at("b.js"));
		copyFileSync(at("a.js"), at("c.js"));
		const args = ["--key", key.keyFile, "--cert", key.certFile, ...USER, "--json"];
		const { attributes } = run(["sign", root, "--format", "ima", ...args]).json();
		expect(attributes).toMatchObject([{ writtenCount: 2, unchangedCount: 1 }]);
		expect(verify("--format", "ima", "--trust", key.certFile)).toMatchObject({ status: 0 });
	});
});
