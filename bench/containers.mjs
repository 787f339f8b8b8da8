import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./measure.mjs";

/**
 * sigtool may take 1.5 times OpenSSL's time and 0.3 seconds more. The 0.3 seconds are for the start of Node.js and for
 * signing one file.
 */
export const OPENSSL_FACTOR = 1.5;
export const FORGIVEN_SECONDS = 0.3;

const PASSPHRASE = "correct horse";
const pass = `pass:${PASSPHRASE}`;

/**
 * These programs write PKCS#12 containers. Each uses its defaults, but OpenSSL is also measured with 600,000
 * iterations. `write` makes the container `file` from the key and certificate in `directory`. Its second argument runs
 * a program.
 */
export const CONTAINERS = [
	{ name: "OpenSSL", write: openssl() },
	{ name: "OpenSSL, 600,000 iterations", write: openssl("-iter", "600000") },
	{ name: "OpenSSL -legacy", write: openssl("-legacy") },
	{ name: "OpenSSL PBMAC1, 600,000 iterations", write: openssl("-pbmac1_pbkdf2", "-iter", "600000") },
	{
		name: "GnuTLS certtool",
		write: ({ directory, file }, execute) => {
			const input = ["--load-privkey", join(directory, "key.pem"), "--load-certificate", join(directory, "cert.pem")];
			const options = ["--to-p12", "--outder", "--p12-name", "bench", "--password", PASSPHRASE];
			execute(["certtool", ...options, ...input, "--outfile", file]);
		},
	},
	{
		name: "NSS pk12util",
		write: ({ directory, file }, execute) => {
			const database = join(directory, "nss");
			mkdirSync(database, { recursive: true });
			const plain = join(directory, "plain.p12");
			openssl()({ directory, file: plain }, execute);
			execute(["certutil", "-N", "-d", database, "--empty-password"]);
			execute(["pk12util", "-i", plain, "-d", database, "-W", PASSPHRASE]);
			execute(["pk12util", "-o", file, "-d", database, "-n", "bench", "-W", PASSPHRASE]);
		},
	},
	{
		name: "Java keytool",
		write: ({ directory, file }, execute) => {
			const plain = join(directory, "plain.p12");
			openssl()({ directory, file: plain }, execute);
			const stores = ["-srckeystore", plain, "-srcstorepass", PASSPHRASE, "-destkeystore", file];
			const options = ["-srcstoretype", "PKCS12", "-deststoretype", "PKCS12", "-deststorepass", PASSPHRASE];
			execute(["keytool", "-importkeystore", "-noprompt", ...stores, ...options]);
		},
	},
];

/**
 * Writes a container and returns two programs that open it: `sigtool sign`, which also signs a file, and `openssl
 * pkcs12`.
 */
export function openBoth({ name, write }, { scratch, env, sigtool }) {
	const directory = join(scratch, name.replace(/\W+/g, "-"));
	mkdirSync(directory);
	const execute = (argv) => run({ argv }, env);
	const [key, certificate, file] = ["key.pem", "cert.pem", "bench.p12"].map((each) => join(directory, each));
	const usage = ["-addext", "extendedKeyUsage=codeSigning", "-days", "90", "-subj", "/CN=bench"];
	execute(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", ...usage, "-keyout", key, "-out", certificate]);
	write({ directory, file }, execute);
	const [passphrase, content] = [join(directory, "passphrase"), join(directory, "file")];
	writeFileSync(passphrase, PASSPHRASE, { mode: 0o600 });
	writeFileSync(content, "content");
	const signed = ["sign", content, "-o", join(directory, "bench.cat"), "--force", "--quiet"];
	return [
		{ name: "sigtool sign", argv: sigtool(...signed, "--p12", file, "--passphrase-file", passphrase) },
		{ name: "openssl pkcs12", argv: ["openssl", "pkcs12", "-in", file, "-nodes", "-passin", pass, ...legacyOf(file)] },
	];
}

function openssl(...options) {
	return ({ directory, file }, execute) => {
		const input = ["-inkey", join(directory, "key.pem"), "-in", join(directory, "cert.pem"), "-name", "bench"];
		execute(["openssl", "pkcs12", "-export", ...input, "-out", file, "-passout", pass, ...options]);
	};
}

/** Returns `-legacy` if openssl cannot open the container without this option. */
function legacyOf(file) {
	try {
		execFileSync("openssl", ["pkcs12", "-in", file, "-nodes", "-passin", pass], { stdio: "ignore" });
		return [];
	} catch {
		return ["-legacy"];
	}
}
