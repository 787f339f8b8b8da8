/**
 * Tells how the value of an option or operand is completed, by the names that the help shows. There are these kinds:
 *
 * - `words`: one of `words`;
 * - `files`: a directory, or a file whose name ends in one of `endings`; any file, if there are none;
 * - `directories`: a directory;
 * - `values`: one of what `sigtool complete-values OF` prints, and any file too if `orFiles`;
 * - `nothing`: nothing, because only the user knows the value.
 *
 * A name that is not listed here completes any file.
 */

const PEM = ["pem", "crt", "cer", "der", "key"];
const CATALOG = ["cat", "CAT"];

const files = (...endings) => ({ kind: "files", endings });
const values = (of) => ({ kind: "values", of });
const valuesOrFiles = (of) => ({ ...values(of), orFiles: true });
const directories = { kind: "directories" };
const nothing = { kind: "nothing" };

/** The name of an option says more than the word that stands for its value. */
const BY_OPTION = {
	"--catalog": files(...CATALOG),
	"--config": files("json"),
	"--crl": files("crl", ...PEM),
	"--identity": values("identity"),
	"--index": files("sigx"),
	"--issued-by": values("identity"),
	"--p12": files("p12", "pfx"),
	"--pkcs11-module": files("so", "dylib", "dll"),
	"--policy": files("json"),
	"--product": values("product"),
	"--to-p12": files("p12", "pfx"),
};

/** The value of an option, or an operand, by what it is called between angle brackets. */
const BY_VALUE = {
	catalog: files(...CATALOG),
	"code|event|file": valuesOrFiles("code"),
	certificate: files(...PEM),
	cert: files(...PEM),
	dir: directories,
	id: values("pin"),
	index: files("sigx"),
	json: files("json"),
	pem: files(...PEM),
	"pem|pin": files(...PEM),
	sigx: files("sigx"),
	...Object.fromEntries(
		["argument", "bytes", "glob", "hex", "n", "name", "number", "pattern", "seconds", "sha256"].map((each) => [
			each,
			nothing,
		]),
	),
	...Object.fromEntries(["text", "time", "uri", "url", "when"].map((each) => [each, nothing])),
};

/** The operands that are called the same in several commands, but are something else in each. */
const BY_COMMAND = {
	"convert file": files(...CATALOG),
	"diff after": files(...CATALOG),
	"diff before": files(...CATALOG),
	"finish file": files(...CATALOG, "sigx"),
	"identity csr name": values("identity"),
	"identity export name": values("identity"),
	"identity import name": values("identity"),
	"identity show name": values("identity"),
};

export function completionOf({ path, option, value, choices }) {
	if (choices !== undefined) return { kind: "words", words: choices };
	const found = option === undefined ? BY_COMMAND[`${path} ${value}`] : BY_OPTION[option];
	return found ?? BY_VALUE[value] ?? files();
}
