/**
 * Lists documents that the readers in TypeScript and in C must judge alike. `at` is the path of the refused member, or
 * "" if the whole document is refused.
 */

export interface SettingsDocument {
	readonly reader: "policy" | "host" | "launcher" | "head";
	readonly name: string;
	readonly bytes: Buffer;
	/** Undefined if the document is accepted. */
	readonly at: string | undefined;
}

type Row = readonly [name: string, text: string | Buffer, at?: string];

const HEX = "0123456789abcdef".repeat(4);
const OTHER_HEX = "f".repeat(64);
const times = (count: number, make: (index: number) => string) => Array.from({ length: count }, (_, i) => make(i));
const pad = (text: string, bytes: number) => text + " ".repeat(bytes - text.length);

/** Policies that test the rules for every kind of JSON document. */
const JSON_ROWS: readonly Row[] = [
	["the shortest", '{"version":1}'],
	["white space of every kind around it", ' \t\r\n{ "version" : 1 }\r\n\t '],
	["nothing", "", ""],
	["white space alone", " \n", ""],
	["a byte order mark", '\ufeff{"version":1}', ""],
	["another kind of white space", '{"version":1}\u00a0', ""],
	["a list", "[]", "$"],
	["a text", '"policy"', "$"],
	["a number", "1", "$"],
	["null", "null", "$"],
	["no end", '{"version":1', ""],
	["something behind it", '{"version":1}x', ""],
	["a second document", '{"version":1}{"version":1}', ""],
	["a NUL behind it", '{"version":1}\0', ""],
	["a comma too many", '{"version":1,}', ""],
	["a comma before", '{,"version":1}', ""],
	["no comma", '{"version":1 "mode":"off"}', ""],
	["no colon", '{"version" 1}', ""],
	["a name without quotes", "{version:1}", ""],
	["single quotes", "{'version':1}", ""],
	["a comment", '{"version":1} // one', ""],
	["another bracket", '{"version":1]', ""],
	["no version", "{}", "$.version"],
	["another version", '{"version":2}', "$.version"],
	["a version as text", '{"version":"1"}', "$.version"],
	["a version with a fraction", '{"version":1.0}', "$.version"],
	["a version with an exponent", '{"version":1e0}', "$.version"],
	["a version with a capital exponent", '{"version":1E+0}', "$.version"],
	["a version with a zero before", '{"version":01}', ""],
	["a version with a plus", '{"version":+1}', ""],
	["a version and a point", '{"version":1.}', ""],
	["a point and a version", '{"version":.1}', ""],
	["an exponent without digits", '{"version":1e}', ""],
	["a number in hexadecimal", '{"version":0x1}', ""],
	["NaN", '{"version":NaN}', ""],
	["minus nothing", '{"version":1,"files":{"maxSizeBytes":-}}', ""],
	["minus 0", '{"version":1,"files":{"maxSizeBytes":-0}}', "$.files.maxSizeBytes"],
	["minus 1", '{"version":1,"files":{"maxSizeBytes":-1}}', "$.files.maxSizeBytes"],
	["more than 2^53", '{"version":1,"files":{"maxSizeBytes":9007199254740993}}', "$.files.maxSizeBytes"],
	["2^64 + 1", '{"version":1,"files":{"maxSizeBytes":18446744073709551617}}', "$.files.maxSizeBytes"],
	["a number of 1000 digits", `{"version":1,"files":{"maxSizeBytes":${"1".repeat(1000)}}}`, "$.files.maxSizeBytes"],
	["a name in escapes", '{"\\u0076ersion":1}'],
	["a value in escapes", '{"version":1,"mode":"\\u006ff\\u0066"}'],
	["capital digits in escapes", '{"version":1,"products":["\\u00E9\\u00e9"]}'],
	["escapes of every kind", '{"version":1,"products":["a\\/\\\\\\"b"]}'],
	["an escaped line break in a name", '{"version":1,"products":["a\\nb"]}', "$.products[0]"],
	["a pair of surrogates in escapes", '{"version":1,"products":["\\ud83d\\ude00","😀a","é"]}'],
	["a pair twice, once in escapes", '{"version":1,"products":["\\ud83d\\ude00","😀"]}', "$.products"],
	["half a pair, the high one", '{"version":1,"products":["\\ud83d"]}', "$.products[0]"],
	["half a pair, the low one", '{"version":1,"products":["a","\\ude00"]}', "$.products[1]"],
	["two high halves", '{"version":1,"products":["\\ud83d\\ud83d\\ude00"]}', "$.products[0]"],
	["a high half before an escape", '{"version":1,"products":["\\ud83d\\n"]}', "$.products[0]"],
	["half a pair in a name", '{"version":1,"\\ud800":1}', "$"],
	["U+0000 in escapes", '{"version":1,"products":["a\\u0000"]}', "$.products[0]"],
	["U+0000 in a name", '{"version":1,"mode\\u0000":"off"}', "$"],
	["U+0001 in escapes", '{"version":1,"products":["\\u0001"]}', "$.products[0]"],
	["U+0085 in escapes", '{"version":1,"products":["a\\u0085"]}', "$.products[0]"],
	["U+009F as it is", '{"version":1,"products":["\u009f"]}', "$.products[0]"],
	["U+00A0 as it is", '{"version":1,"products":["\u00a0"]}'],
	["U+007F as it is", '{"version":1,"products":["\u007f"]}', "$.products[0]"],
	["U+2028 as it is", '{"version":1,"products":["a\u2028b"]}'],
	["an escape of three digits", '{"version":1,"products":["\\u00e"]}', ""],
	["an escape that is none", '{"version":1,"products":["\\x41"]}', ""],
	["a capital escape", '{"version":1,"products":["\\U0041"]}', ""],
	["a tab in a text", '{"version":1,"products":["a\tb"]}', ""],
	["a text without end", '{"version":1,"products":["a', ""],
	["an escape without end", '{"version":1,"products":["a\\', ""],
	["bytes that are no UTF-8", Buffer.from('{"version":1,"products":["\xff"]}', "latin1"), ""],
	["UTF-8 in too many bytes", Buffer.from('{"version":1,"products":["\xc0\xaf"]}', "latin1"), ""],
	["a surrogate in UTF-8", Buffer.from('{"version":1,"products":["\xed\xa0\x80"]}', "latin1"), ""],
	["a character beyond U+10FFFF", Buffer.from('{"version":1,"products":["\xf4\x90\x80\x80"]}', "latin1"), ""],
	["UTF-16", Buffer.from('{"version":1}', "utf16le"), ""],
	["a member twice, equal", '{"version":1,"mode":"off","mode":"off"}', "$.mode"],
	["a member twice, not equal", '{"version":1,"mode":"off","mode":"strict"}', "$.mode"],
	["a member twice, once in escapes", '{"version":1,"mode":"off","\\u006dode":"strict"}', "$.mode"],
	["the version twice", '{"version":1,"version":1}', "$.version"],
	["an inner member twice", '{"version":1,"files":{"kernelCheck":"off","kernelCheck":"log"}}', "$.files.kernelCheck"],
	["an object twice", '{"version":1,"files":{},"files":{}}', "$.files"],
	["an unknown member", '{"version":1,"extra":true}', "$.extra"],
	["$schema", '{"version":1,"$schema":"x"}', "$.$schema"],
	["a member with another case", '{"version":1,"Mode":"off"}', "$.Mode"],
	["a dotted name", '{"version":1,"files.maxSizeBytes":1}', "$.files.maxSizeBytes"],
	["an empty name", '{"version":1,"":1}', "$."],
	["__proto__", '{"version":1,"__proto__":{"mode":"off"}}', "$.__proto__"],
	["constructor", '{"version":1,"constructor":1}', "$.constructor"],
	["open brackets alone", "[".repeat(60_000), ""],
	["many levels", `{"version":1,"products":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "$.products[0]"],
	[
		"many objects in each other",
		`{"version":1,"files":${'{"files":'.repeat(6000)}1${"}".repeat(6000)}}`,
		"$.files.files",
	],
];

/** Returns a policy that lets a variable pass which none may let pass, and the place of that. */
function withVariable(name: string): [document: string, at: string] {
	return [JSON.stringify({ version: 1, launch: { environment: ["APP_NAME", name] } }), "$.launch.environment[1]"];
}

/** Returns a policy with one rule. */
function withRule(rule: object): string {
	return JSON.stringify({ version: 1, rules: [rule] });
}

/** Returns rows of policies that deny the files that one member matches. */
function denying(member: string, values: Readonly<Record<string, unknown>>, at?: string): Row[] {
	return Object.entries(values).map(([name, value]): Row => {
		const place = at ?? `$.rules[0].deny.${member}`;
		return [`a rule with ${name}`, withRule({ deny: { [member]: value } }), place === "" ? undefined : place];
	});
}

/** Returns rows of policies whose rule has one more member. */
function ruled(member: string, values: readonly unknown[], isAccepted: boolean): Row[] {
	return values.map((value): Row => {
		const place = isAccepted ? undefined : `$.rules[0].${member}`;
		return [
			`a rule with the ${member} ${JSON.stringify(value)}`,
			withRule({ deny: { name: "a" }, [member]: value }),
			place,
		];
	});
}

const SIGNER = { authority: HEX, subject: "CN=Release,O=Example" };
const SUBJECTS = [
	...[
		"CN=a",
		"CN=",
		"CN=a+O=b",
		"CN=a b,C=DE",
		"2.5.4.3=#0C0161",
		"CN=a\\,b",
		"CN=\\ a\\ ",
		"CN=größe",
		"cn=a",
		"CN=a=b",
	],
	...["CN=a\\2Cb", "O=,CN="],
];
const NO_SUBJECTS = [
	...[
		"",
		"CN",
		"=a",
		"CN=a,",
		",CN=a",
		"CN=a, O=b",
		"CN=a ,O=b",
		"CN =a",
		"CN= a",
		"CN=a ",
		"CN=a;O=b",
		"CN=a\\",
		'CN="a"',
	],
	...["CN=<a>", "CN=a\n", "C-N=a", "CN=a\\\n", "CN=a+", "CN=\u0085"],
];

const RULE_ROWS: readonly Row[] = [
	["no rules", '{"version":1,"rules":[]}'],
	["rules that are no list", '{"version":1,"rules":{}}', "$.rules"],
	[
		"rules with every member",
		JSON.stringify({
			version: 1,
			rules: [
				{
					allow: { signer: SIGNER, product: "größe", path: "lib/**/*.js", sha256: HEX, name: "a b.js" },
					label: "Release-1.0_x",
					comment: "why",
					owner: "Ops",
					expires: "2027-06-30",
					message: "ask us",
					url: "https://example.com/a?b#c",
				},
				{ deny: { signer: { key: HEX } }, expires: "2028-02-29T23:59:59Z", supplemental: true },
			],
		}),
	],
	["a rule without allow and deny", withRule({ label: "a" }), "$.rules[0]"],
	["a rule with allow and deny", withRule({ allow: { name: "a" }, deny: { name: "a" } }), "$.rules[0]"],
	["a rule that matches everything", withRule({ allow: {} }), "$.rules[0].allow"],
	["a rule that denies everything", withRule({ deny: {} }), "$.rules[0].deny"],
	["a rule with a list", withRule({ deny: ["a"] }), "$.rules[0].deny"],
	["a rule with an unknown member", withRule({ deny: { name: "a" }, priority: 1 }), "$.rules[0].priority"],
	["a rule with an unknown match", withRule({ deny: { hash: HEX } }), "$.rules[0].deny.hash"],
	["a signer that is nobody", withRule({ deny: { signer: {} } }), "$.rules[0].deny.signer"],
	["a signer by key and authority", withRule({ deny: { signer: { key: HEX, ...SIGNER } } }), "$.rules[0].deny.signer"],
	[
		"a signer by key and subject",
		withRule({ deny: { signer: { key: HEX, subject: "CN=a" } } }),
		"$.rules[0].deny.signer.subject",
	],
	[
		"any signer of an authority",
		withRule({ deny: { signer: { authority: HEX } } }),
		"$.rules[0].deny.signer.authority",
	],
	[
		"a subject of any authority",
		withRule({ allow: { signer: { subject: "CN=a" } } }),
		"$.rules[0].allow.signer.subject",
	],
	["a signer as text", withRule({ allow: { signer: HEX } }), "$.rules[0].allow.signer"],
	...SUBJECTS.map(
		(subject): Row => [
			`the subject ${JSON.stringify(subject)}`,
			withRule({ deny: { signer: { authority: HEX, subject } } }),
		],
	),
	...NO_SUBJECTS.map(
		(subject): Row => [
			`no subject ${JSON.stringify(subject)}`,
			withRule({ deny: { signer: { authority: HEX, subject } } }),
			"$.rules[0].deny.signer.subject",
		],
	),
	...denying(
		"path",
		{ "every path": "**", "a hidden path": ".a/.../..b", "stars in names": "*a*/b*", brackets: "[a]?" },
		"",
	),
	...denying("path", { "an absolute path": "/a", "no path": "", "a directory": "a/", "two slashes": "a//b" }),
	...denying("path", {
		"a step nowhere": "./a",
		"a step up": "a/../b",
		"a step up at the end": "a/..",
		"one dot": ".",
	}),
	...denying("path", {
		"stars beside a name": "a**",
		"stars before a name": "a/**b",
		"three stars": "***",
		"a tab": "a\t",
	}),
	...denying("path", { "a later path with stars": "a/b/c**d/e", "a number for a path": 1 }),
	...denying("name", { "a name with a star": "*", "three dots": "..." }, ""),
	...denying("name", {
		"a path for a name": "a/b",
		"no name": "",
		"the name .": ".",
		"the name ..": "..",
		"a NUL": "a\0",
	}),
	...denying("sha256", { "a short digest": "ab", "a capital digest": "A".repeat(64) }),
	...denying("product", { "an empty product": "", "a product with a line break": "a\nb" }),
	...ruled("label", ["a", "Z9._-", "a".repeat(64)], true),
	...ruled("label", ["", "1", "a b", "-a", "ä", "a".repeat(65), "a]", 1], false),
	...ruled("expires", ["2027-01-01", "2027-12-31", "2027-02-29", "0000-01-01", "9999-12-31T23:59:59Z"], true),
	...ruled(
		"expires",
		["2027-1-1", "2027-00-01", "2027-13-01", "2027-01-00", "2027-01-32", "2027-04-31", "2027-02-30"],
		false,
	),
	...ruled(
		"expires",
		["2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z", "2027-01-01T00:00Z"],
		false,
	),
	...ruled(
		"expires",
		["2027-01-01T00:00:00", "2027-01-01T00:00:00+00:00", "2027-01-01 00:00:00Z", "tomorrow", 2027],
		false,
	),
	...ruled("expires", ["2027-01-01T00:00:00.000Z", "2027-01-01Z", ""], false),
	...ruled("url", ["http://a", "https://a/~?#[]"], true),
	...ruled(
		"url",
		["https://", "ftp://a", "https://a b", "https://ä", "javascript:alert(1)", "HTTPS://a", "", "https:/a"],
		false,
	),
	...ruled("message", ["ä", " "], true),
	...ruled("message", ["", "a\nb", 1], false),
	...ruled("owner", ["", "a\u0085"], false),
	...ruled("comment", ["", null], false),
	...ruled("supplemental", [true], true),
	...ruled("supplemental", [false, 1, "true"], false),
	[
		"a label twice",
		JSON.stringify({ version: 1, rules: ["a", "b", "a"].map((label) => ({ label, deny: { name: "x" } })) }),
		"$.rules",
	],
	[
		"equal rules without labels",
		JSON.stringify({
			version: 1,
			rules: [{ deny: { name: "x" } }, { label: "a", deny: { name: "x" } }, { deny: { name: "x" } }],
		}),
	],
	["256 rules", JSON.stringify({ version: 1, rules: times(256, () => "").map(() => ({ deny: { name: "x" } })) })],
	[
		"257 rules",
		JSON.stringify({ version: 1, rules: times(257, () => "").map(() => ({ deny: { name: "x" } })) }),
		"$.rules",
	],
];

const POLICY_ROWS: readonly Row[] = [
	[
		"every member",
		JSON.stringify({
			version: 1,
			mode: "strict",
			products: ["app", "größe"],
			launch: {
				write: ["/", "/srv/data", "/srv/..data", "/a b/c", "/srv/.d", "/..."],
				network: { connect: [443, 65535], bind: [0], sockets: ["/run/postgresql"] },
				environment: ["DATABASE_URL", "APP_*", "a", "_1", "NODE_ENV", "ENV*", "ENVIRONMENT", "NODE*", "A".repeat(128)],
				writableCode: "allow",
			},
			files: { maxSizeBytes: 1, kernelCheck: "require" },
			runtime: {
				addons: "refuse",
				webAssembly: "allow",
				webAssemblySha256: [HEX, OTHER_HEX],
				stringCode: "refuse",
				workers: "refuse",
				children: "allow",
			},
			python: {
				auditHooks: "allow",
				stringCode: "signed",
				stringCodeFrom: ["attr._make", "jinja2"],
				xattr: "ima",
				events: ["*", "socket.connect", "_w.C"],
				extensions: "refuse",
			},
		}),
	],
	["empty objects", '{"version":1,"launch":{},"files":{},"runtime":{},"python":{}}'],
	["empty lists", '{"version":1,"products":[],"launch":{"write":[]},"python":{"events":[]}}'],
	["the largest file", '{"version":1,"files":{"maxSizeBytes":2147483647}}'],
	["a larger file", '{"version":1,"files":{"maxSizeBytes":2147483648}}', "$.files.maxSizeBytes"],
	["files of no bytes", '{"version":1,"files":{"maxSizeBytes":0}}', "$.files.maxSizeBytes"],
	["a size as text", '{"version":1,"files":{"maxSizeBytes":"1"}}', "$.files.maxSizeBytes"],
	["a mode that is none", '{"version":1,"mode":"on"}', "$.mode"],
	["two modes in one text", '{"version":1,"mode":"off audit"}', "$.mode"],
	["a mode and a space", '{"version":1,"mode":"off "}', "$.mode"],
	["an empty mode", '{"version":1,"mode":""}', "$.mode"],
	["a mode that is null", '{"version":1,"mode":null}', "$.mode"],
	["a mode in a list", '{"version":1,"mode":["off"]}', "$.mode"],
	["products as text", '{"version":1,"products":"app"}', "$.products"],
	["an empty product", '{"version":1,"products":[""]}', "$.products[0]"],
	["a number for a product", '{"version":1,"products":["a",1]}', "$.products[1]"],
	["a product twice", '{"version":1,"products":["a","b","a"]}', "$.products"],
	["an object that is a list", '{"version":1,"launch":[]}', "$.launch"],
	["an object that is null", '{"version":1,"files":null}', "$.files"],
	["a relative directory", '{"version":1,"launch":{"write":["srv"]}}', "$.launch.write[0]"],
	["an empty directory", '{"version":1,"launch":{"write":[""]}}', "$.launch.write[0]"],
	["a slash at the end", '{"version":1,"launch":{"write":["/srv/"]}}', "$.launch.write[0]"],
	["two slashes", '{"version":1,"launch":{"write":["/","/srv//data"]}}', "$.launch.write[1]"],
	["two slashes alone", '{"version":1,"launch":{"write":["//"]}}', "$.launch.write[0]"],
	["a step up", '{"version":1,"launch":{"write":["/srv/../etc"]}}', "$.launch.write[0]"],
	["a step up at the end", '{"version":1,"launch":{"write":["/srv/.."]}}', "$.launch.write[0]"],
	["a step nowhere", '{"version":1,"launch":{"write":["/./srv"]}}', "$.launch.write[0]"],
	["a line break in a directory", '{"version":1,"launch":{"write":["/srv\\n"]}}', "$.launch.write[0]"],
	["no network", '{"version":1,"launch":{"network":{"connect":[],"bind":[],"sockets":[]}}}'],
	["an unlimited network", '{"version":1,"launch":{"network":{}}}'],
	["a port too large", '{"version":1,"launch":{"network":{"connect":[65536]}}}', "$.launch.network.connect[0]"],
	["a port as text", '{"version":1,"launch":{"network":{"bind":[80,"443"]}}}', "$.launch.network.bind[1]"],
	["a single port", '{"version":1,"launch":{"network":{"bind":80}}}', "$.launch.network.bind"],
	[
		"many ports",
		JSON.stringify({ version: 1, launch: { network: { connect: Array.from(Array(65).keys()) } } }),
		"$.launch.network.connect",
	],
	[
		"a socket with a step up",
		'{"version":1,"launch":{"network":{"sockets":["/run/.."]}}}',
		"$.launch.network.sockets[0]",
	],
	["an unknown network", '{"version":1,"launch":{"network":{"udp":[53]}}}', "$.launch.network.udp"],
	["a network that is a list", '{"version":1,"launch":{"network":[443]}}', "$.launch.network"],
	...["", "*", "1A", "A=", "A*B", "A**", "Ä", "A B", "A\n", "A".repeat(129)].map(
		(name): Row => [`the variable ${JSON.stringify(name).slice(0, 9)}`, ...withVariable(name)],
	),
	...["LD_PRELOAD", "LD_*", "LD_P*", "PYTHONPATH", "PYTHON*", "NODE_OPTIONS", "NODE_*", "NODE_ENV*", "NODE_ENVX"].map(
		(name): Row => [`the variable ${name}`, ...withVariable(name)],
	),
	...["GCONV_PATH", "OPENSSL_CONF", "TCL", "TCLLIBPATH", "ENV", "_JAVA_OPTIONS", "SIGTOOL_LAUNCH"].map(
		(name): Row => [`the variable ${name}`, ...withVariable(name)],
	),
	["a variable twice", '{"version":1,"launch":{"environment":["A","B","A"]}}', "$.launch.environment"],
	[
		"many variables",
		JSON.stringify({ version: 1, launch: { environment: Array.from(Array(65).keys(), (count) => `A${count}`) } }),
		"$.launch.environment",
	],
	["writable code as a switch", '{"version":1,"launch":{"writableCode":true}}', "$.launch.writableCode"],
	["a directory twice", '{"version":1,"launch":{"write":["/srv","/srv"]}}', "$.launch.write"],
	[
		"a digest in capitals",
		`{"version":1,"runtime":{"webAssemblySha256":["${"A".repeat(64)}"]}}`,
		"$.runtime.webAssemblySha256[0]",
	],
	[
		"a digest of 63 digits",
		`{"version":1,"runtime":{"webAssemblySha256":["${"a".repeat(63)}"]}}`,
		"$.runtime.webAssemblySha256[0]",
	],
	[
		"a digest of 65 digits",
		`{"version":1,"runtime":{"webAssemblySha256":["${"a".repeat(65)}"]}}`,
		"$.runtime.webAssemblySha256[0]",
	],
	[
		"a digest and a line break",
		`{"version":1,"runtime":{"webAssemblySha256":["${HEX}\\n"]}}`,
		"$.runtime.webAssemblySha256[0]",
	],
	["addons of another word", '{"version":1,"runtime":{"addons":"allow"}}', "$.runtime.addons"],
	["webAssembly of another word", '{"version":1,"runtime":{"webAssembly":"audit"}}', "$.runtime.webAssembly"],
	["stringCode of CPython that allows all", '{"version":1,"python":{"stringCode":"allow"}}', "$.python.stringCode"],
	["all modules", '{"version":1,"python":{"stringCodeFrom":["*"]}}', "$.python.stringCodeFrom[0]"],
	["a module with an empty part", '{"version":1,"python":{"stringCodeFrom":["a..b"]}}', "$.python.stringCodeFrom[0]"],
	["a module twice", '{"version":1,"python":{"stringCodeFrom":["a","a"]}}', "$.python.stringCodeFrom"],
	["stringCode of another word", '{"version":1,"runtime":{"stringCode":"verified"}}', "$.runtime.stringCode"],
	["workers of another word", '{"version":1,"runtime":{"workers":true}}', "$.runtime.workers"],
	["children of another word", '{"version":1,"runtime":{"children":"signed"}}', "$.runtime.children"],
	["an unknown member of runtime", '{"version":1,"runtime":{"eval":"refuse"}}', "$.runtime.eval"],
	["auditHooks of another word", '{"version":1,"python":{"auditHooks":"audit"}}', "$.python.auditHooks"],
	["xattr of another word", '{"version":1,"python":{"xattr":"spython"}}', "$.python.xattr"],
	["extensions of another word", '{"version":1,"python":{"extensions":"allow"}}', "$.python.extensions"],
	["events as text", '{"version":1,"python":{"events":"*"}}', "$.python.events"],
	["an event with a star", '{"version":1,"python":{"events":["os.*"]}}', "$.python.events[0]"],
	["an event that begins with a dot", '{"version":1,"python":{"events":[".os"]}}', "$.python.events[0]"],
	["an event that ends with a dot", '{"version":1,"python":{"events":["os."]}}', "$.python.events[0]"],
	["an event with two dots", '{"version":1,"python":{"events":["os..x"]}}', "$.python.events[0]"],
	["an event and a line break", '{"version":1,"python":{"events":["os.x\\n"]}}', "$.python.events[0]"],
	["an event that is not ASCII", '{"version":1,"python":{"events":["größe"]}}', "$.python.events[0]"],
	["an empty event", '{"version":1,"python":{"events":[""]}}', "$.python.events[0]"],
	["an event twice", '{"version":1,"python":{"events":["import","import"]}}', "$.python.events"],
	["200 events", `{"version":1,"python":{"events":${JSON.stringify(times(200, (i) => `a${i}`))}}}`],
	["201 events", `{"version":1,"python":{"events":${JSON.stringify(times(201, (i) => `a${i}`))}}}`, "$.python.events"],
	["64 KiB", pad('{"version":1}', 65_536)],
	["more than 64 KiB", pad('{"version":1}', 65_537), ""],
];

const FULL_HOST = {
	version: 1,
	mode: "strict",
	onRefusal: "exit",
	pins: [{ "spki-sha256": HEX, name: "release" }, { "spki-sha256": OTHER_HEX }],
	authorities: [{ certificate: "/etc/sigtool/ca.pem", subject: "CN=Release,O=Example" }],
	timestampAuthorities: [{ certificate: "/etc/sigtool/tsa.pem" }, { certificate: "/etc/sigtool/other-tsa.crt" }],
	products: [{ minimumSequence: 9_007_199_254_740_991, name: "app", root: "/srv/app" }, { name: "lib" }],
	deny: [
		{ reason: "CVE", file: HEX },
		{ key: HEX, reason: "lost" },
		{ certificate: HEX, reason: "x" },
		{ catalog: HEX, reason: "y" },
	],
	index: "/etc/sigtool/app.sigx",
	policy: "/etc/sigtool/policy.json",
	launcher: { node: [{ path: "/usr/bin/node", sha256: HEX }], bundle: { sha256: HEX, path: "/b.cjs" } },
	audit: { jsonLines: "/var/log/audit.jsonl", stderr: "all", syslog: true },
};
const host = (members: object) => JSON.stringify({ version: 1, ...members });

const HOST_ROWS: readonly Row[] = [
	["every member", JSON.stringify(FULL_HOST)],
	["every member, laid out", JSON.stringify(FULL_HOST, null, "\t")],
	["the shortest", host({})],
	["empty lists and objects", host({ pins: [], authorities: [], products: [], deny: [], launcher: {}, audit: {} })],
	["an empty text", "", ""],
	["an unknown member", host({ pinz: [] }), "$.pinz"],
	["another mode", host({ mode: "on" }), "$.mode"],
	["another onRefusal", host({ onRefusal: "die" }), "$.onRefusal"],
	["pins that are an object", host({ pins: {} }), "$.pins"],
	["a pin that is text", host({ pins: [HEX] }), "$.pins[0]"],
	["a pin without its key", host({ pins: [{ name: "a" }] }), "$.pins[0].spki-sha256"],
	["an empty pin", host({ pins: [{ "spki-sha256": HEX }, {}] }), "$.pins[1].spki-sha256"],
	["a pin in capitals", host({ pins: [{ "spki-sha256": "A".repeat(64) }] }), "$.pins[0].spki-sha256"],
	["a pin with an empty name", host({ pins: [{ "spki-sha256": HEX, name: "" }] }), "$.pins[0].name"],
	["a pin with a name of two lines", host({ pins: [{ "spki-sha256": HEX, name: "a\nb" }] }), "$.pins[0].name"],
	["a pin with an unknown member", host({ pins: [{ "spki-sha256": HEX, label: "x" }] }), "$.pins[0].label"],
	[
		"a pin's key twice",
		`{"version":1,"pins":[{"spki-sha256":"${HEX}","spki-sha256":"${HEX}"}]}`,
		"$.pins[0].spki-sha256",
	],
	["a pin twice", host({ pins: [{ "spki-sha256": HEX }, { "spki-sha256": HEX }] })],
	["authorities that are text", host({ authorities: "CN=a" }), "$.authorities"],
	["an authority without a subject", host({ authorities: [{ certificate: "/a" }] }), "$.authorities[0].subject"],
	["an authority without a certificate", host({ authorities: [{ subject: "CN=a" }] }), "$.authorities[0].certificate"],
	[
		"an authority's relative path",
		host({ authorities: [{ certificate: "a", subject: "CN=a" }] }),
		"$.authorities[0].certificate",
	],
	[
		"an authority's unknown member",
		host({ authorities: [{ certificate: "/a", subject: "CN=a", name: "a" }] }),
		"$.authorities[0].name",
	],
	["no timestamp authority", host({ timestampAuthorities: [] })],
	["a timestamp authority", host({ timestampAuthorities: [{ certificate: "/a" }] })],
	["timestamp authorities that are text", host({ timestampAuthorities: "/a" }), "$.timestampAuthorities"],
	["a timestamp authority that is text", host({ timestampAuthorities: ["/a"] }), "$.timestampAuthorities[0]"],
	["an empty timestamp authority", host({ timestampAuthorities: [{}] }), "$.timestampAuthorities[0].certificate"],
	[
		"a timestamp authority's relative path",
		host({ timestampAuthorities: [{ certificate: "/a" }, { certificate: "a" }] }),
		"$.timestampAuthorities[1].certificate",
	],
	[
		"a timestamp authority with a subject",
		host({ timestampAuthorities: [{ certificate: "/a", subject: "CN=a" }] }),
		"$.timestampAuthorities[0].subject",
	],
	["a product without a name", host({ products: [{ root: "/a" }] }), "$.products[0].name"],
	["a product with an empty name", host({ products: [{ name: "" }] }), "$.products[0].name"],
	["a product twice", host({ products: [{ name: "a" }, { name: "b" }, { root: "/a", name: "a" }] }), "$.products"],
	["a product's relative root", host({ products: [{ name: "a", root: "srv" }] }), "$.products[0].root"],
	["a product's root with a step up", host({ products: [{ name: "a", root: "/srv/../x" }] }), "$.products[0].root"],
	[
		"a product's root with a slash at its end",
		host({ products: [{ name: "a", root: "/srv/" }] }),
		"$.products[0].root",
	],
	[
		"a product's root with a control character",
		host({ products: [{ name: "a", root: "/srv\u0085" }] }),
		"$.products[0].root",
	],
	["the root of all as a product's", host({ products: [{ name: "a", root: "/" }] })],
	["a minimum for indexes", host({ products: [{ name: "a", minimumCompiled: 3 }] })],
	[
		"a negative minimum for indexes",
		host({ products: [{ name: "a", minimumCompiled: -1 }] }),
		"$.products[0].minimumCompiled",
	],
	["a sequence of 0", host({ products: [{ name: "a", minimumSequence: 0 }] })],
	["a negative sequence", host({ products: [{ name: "a", minimumSequence: -1 }] }), "$.products[0].minimumSequence"],
	[
		"a sequence of 2^53",
		host({ products: [{ name: "a", minimumSequence: 2 ** 53 }] }),
		"$.products[0].minimumSequence",
	],
	[
		"a sequence with a fraction",
		host({ products: [{ name: "a", minimumSequence: 1.5 }] }),
		"$.products[0].minimumSequence",
	],
	[
		"a sequence that is null",
		host({ products: [{ name: "a", minimumSequence: null }] }),
		"$.products[0].minimumSequence",
	],
	["a denial of nothing", host({ deny: [{ reason: "x" }] }), "$.deny[0]"],
	["a denial of two things", host({ deny: [{ file: HEX, key: HEX, reason: "x" }] }), "$.deny[0]"],
	[
		"a denial of all things",
		host({ deny: [{ file: HEX, key: HEX, certificate: HEX, catalog: HEX, reason: "x" }] }),
		"$.deny[0]",
	],
	["a denial without a reason", host({ deny: [{ file: HEX }] }), "$.deny[0].reason"],
	["a denial with an empty reason", host({ deny: [{ file: HEX, reason: "" }] }), "$.deny[0].reason"],
	["a denial with a reason of two lines", host({ deny: [{ file: HEX, reason: "a\nb" }] }), "$.deny[0].reason"],
	["a denial of no digest", host({ deny: [{ file: "x", reason: "a" }] }), "$.deny[0].file"],
	[
		"a denial twice",
		host({
			deny: [
				{ file: HEX, reason: "a" },
				{ file: HEX, reason: "a" },
			],
		}),
	],
	["a relative index", host({ index: "app.sigx" }), "$.index"],
	["an index with a step nowhere", host({ index: "/etc/./app.sigx" }), "$.index"],
	["an index with two slashes", host({ index: "/etc//app.sigx" }), "$.index"],
	["an index that is null", host({ index: null }), "$.index"],
	["a relative policy", host({ policy: "policy.json" }), "$.policy"],
	["a policy that is an object", host({ policy: { version: 1 } }), "$.policy"],
	["a launcher that is a list", host({ launcher: [] }), "$.launcher"],
	["a launcher's unknown member", host({ launcher: { python: [] } }), "$.launcher.python"],
	["a launcher's node that is none", host({ launcher: { node: { path: "/a", sha256: HEX } } }), "$.launcher.node"],
	["a launcher's node without a digest", host({ launcher: { node: [{ path: "/a" }] } }), "$.launcher.node[0].sha256"],
	["a launcher's bundle without a path", host({ launcher: { bundle: { sha256: HEX } } }), "$.launcher.bundle.path"],
	["a launcher's empty bundle", host({ launcher: { bundle: {} } }), "$.launcher.bundle.path"],
	["an audit that is text", host({ audit: "all" }), "$.audit"],
	["a relative file of events", host({ audit: { jsonLines: "a" } }), "$.audit.jsonLines"],
	["a file of events that is null", host({ audit: { jsonLines: null } }), "$.audit.jsonLines"],
	["another stderr", host({ audit: { stderr: "loud" } }), "$.audit.stderr"],
	["another syslog", host({ audit: { syslog: "yes" } }), "$.audit.syslog"],
	["a syslog that is a number", host({ audit: { syslog: 1 } }), "$.audit.syslog"],
	["no syslog", host({ audit: { syslog: false } })],
	["1 MiB", pad(host({}), 2 ** 20)],
	["more than 1 MiB", pad(host({}), 2 ** 20 + 1), ""],
];

const PIN = `/usr/bin/node ${HEX}`;
const ENDS = ["index /etc/app.sigx", "config /etc/sigtool/verifier.json"];
const NODE = [`node ${PIN}`, "node-major 24", `bundle /b.cjs ${HEX}`];
const PYTHON = [`python /usr/bin/python3 ${HEX}`, `spython /s ${HEX}`];
const conf = (...lines: readonly string[]) => ["version 1", ...lines, ""].join("\n");
const nodeConf = (...lines: readonly string[]) => conf(...NODE, ...ENDS, ...lines);

const LAUNCHER_ROWS: readonly Row[] = [
	["node alone", nodeConf()],
	["python alone", conf(...PYTHON, ...ENDS)],
	[
		"every key",
		nodeConf(
			...PYTHON,
			"mode strict",
			"development allow",
			"node-identity 1:2:3:4.5:6.7",
			`node-next ${HEX}`,
			`python-next ${HEX}`,
			`addon /a b/addon.node ${HEX}`,
			"audit /var/log/audit.jsonl",
			"tree /srv/app",
			"tree /srv/lib",
			"write /var/lib/a b",
			"write /",
			"limit connect",
			"limit bind",
			"limit sockets",
			"connect 443",
			"connect 0",
			"bind 65535",
			"socket /run/postgresql",
			"socket /run/a b",
			"environment DATABASE_URL",
			"environment APP_*",
			"writable-code allow",
			"string-code refuse",
			"addons refuse",
			"workers refuse",
		),
	],
	["nothing", "", "line 1"],
	["another version", "version 2\n", "line 1"],
	["no version first", [...ENDS, "version 1", ""].join("\n"), "line 1"],
	["a carriage return", "version 1\r\n", "line 1"],
	["the version twice", nodeConf("version 1"), "$.version"],
	["no line break at its end", nodeConf().slice(0, -1), "line 6"],
	["an empty line", nodeConf("", "mode off"), "line 7"],
	["a key alone", nodeConf("mode"), "line 7"],
	["a key and a space", nodeConf("mode "), "line 7"],
	["a space and a key", nodeConf(" mode off"), "line 7"],
	["a NUL", nodeConf("mode \0off"), ""],
	["bytes that are no UTF-8", Buffer.from(nodeConf("tree /\xff"), "latin1"), ""],
	["an unknown key", nodeConf("nodeflags -e"), "$.nodeflags"],
	["a key with another case", nodeConf("Mode off"), "$.Mode"],
	["a key of a member's member", nodeConf("node.path /a"), "$.node.path"],
	["__proto__", nodeConf("__proto__ a"), "$.__proto__"],
	["a key twice", nodeConf("mode off", "mode off"), "$.mode"],
	["a pinned file twice", nodeConf(`node ${PIN}`), "$.node"],
	["another mode", nodeConf("mode lax"), "$.mode"],
	["a mode and a space", nodeConf("mode off "), "$.mode"],
	["an unknown limit", nodeConf("limit udp"), "$.limit[0]"],
	["a port too large", nodeConf("connect 443", "connect 65536"), "$.connect[1]"],
	["a port that is no number", nodeConf("bind http"), "$.bind[0]"],
	["a port with a zero before it", nodeConf("bind 080"), "$.bind[0]"],
	["many ports", nodeConf(...Array.from(Array(65).keys(), (port) => `connect ${port}`)), "$.connect"],
	["a relative socket", nodeConf("socket run/x"), "$.socket[0]"],
	["a variable that makes code load", nodeConf("environment LD_PRELOAD"), "$.environment[0]"],
	["writable code refused", nodeConf("writable-code refuse"), "$.writable-code"],
	["another development", nodeConf("development yes"), "$.development"],
	["development refused", nodeConf("development refuse")],
	[
		"a pinned file without a digest",
		conf("node /usr/bin/node", "node-major 24", `bundle /b ${HEX}`, ...ENDS),
		"$.node.sha256",
	],
	[
		"a pinned file with another digest",
		conf(`node /n ${"A".repeat(64)}`, "node-major 24", `bundle /b ${HEX}`, ...ENDS),
		"$.node.sha256",
	],
	[
		"a pinned file with a relative path",
		conf(`node n ${HEX}`, "node-major 24", `bundle /b ${HEX}`, ...ENDS),
		"$.node.path",
	],
	[
		"a pinned file with a step up",
		conf(`node /a/../n ${HEX}`, "node-major 24", `bundle /b ${HEX}`, ...ENDS),
		"$.node.path",
	],
	["a digest alone", conf(`node ${HEX}`, "node-major 24", `bundle /b ${HEX}`, ...ENDS), "$.node.path"],
	["a release in words", conf(`node ${PIN}`, "node-major new", `bundle /b ${HEX}`, ...ENDS), "$.node-major"],
	["a release with a zero before", conf(`node ${PIN}`, "node-major 024", `bundle /b ${HEX}`, ...ENDS), "$.node-major"],
	["a release with a point", conf(`node ${PIN}`, "node-major 24.1", `bundle /b ${HEX}`, ...ENDS), "$.node-major"],
	["an old release", conf(`node ${PIN}`, "node-major 18", `bundle /b ${HEX}`, ...ENDS), "$.node-major"],
	[
		"a release of 30 digits",
		conf(`node ${PIN}`, `node-major ${"9".repeat(30)}`, `bundle /b ${HEX}`, ...ENDS),
		"$.node-major",
	],
	["no release", conf(`node ${PIN}`, `bundle /b ${HEX}`, ...ENDS), "$.node"],
	["no bundle", conf(`node ${PIN}`, "node-major 24", ...ENDS), "$.node"],
	["neither node nor python", conf(...ENDS), "$"],
	["python without its spython", conf(PYTHON[0] ?? "", ...ENDS), "$.python"],
	["a spython without its python", nodeConf(PYTHON[1] ?? ""), "$.spython"],
	["a bundle beside python alone", conf(...PYTHON, ...ENDS, `bundle /b ${HEX}`)],
	["no index", conf(...NODE, "config /a"), "$.index"],
	["no configuration", conf(...NODE, "index /a"), "$.config"],
	["a relative index", conf(...NODE, "index a", "config /a"), "$.index"],
	["a configuration with two slashes", conf(...NODE, "index /a", "config //a"), "$.config"],
	["a relative file of events", nodeConf("audit a"), "$.audit"],
	["a control character in an identity", nodeConf("node-identity 1:\u0007"), "$.node-identity"],
	["8 announced programs", nodeConf(...times(8, (i) => `node-next ${`${i}`.repeat(64)}`))],
	["9 announced programs", nodeConf(...times(9, (i) => `node-next ${`${i}`.repeat(64)}`)), "$.node-next"],
	["an announced program twice", nodeConf(`node-next ${HEX}`, `node-next ${HEX}`), "$.node-next"],
	["an announced program with its path", nodeConf(`node-next ${PIN}`), "$.node-next[0]"],
	["an announced digest in capitals", nodeConf(`node-next ${"A".repeat(64)}`), "$.node-next[0]"],
	["an announced python beside node alone", nodeConf(`python-next ${HEX}`), "$.python-next"],
	["an announced node beside python alone", conf(...PYTHON, ...ENDS, `node-next ${HEX}`), "$.node-next"],
	["a relative tree", nodeConf("tree /a", "tree b"), "$.tree[1]"],
	["a tree with a slash at its end", nodeConf("tree /a/"), "$.tree[0]"],
	["a tree twice", nodeConf("tree /a", "tree /a")],
	["64 trees", nodeConf(...times(64, (i) => `tree /a${i}`))],
	["65 trees", nodeConf(...times(65, (i) => `tree /a${i}`)), "$.tree"],
	["65 directories", nodeConf(...times(65, (i) => `write /a${i}`)), "$.write"],
	["257 lines", nodeConf(...times(251, (i) => `tree /a${i}`)), "line 257"],
	["addons that are allowed", nodeConf("addons signed"), "$.addons"],
	["string-code of another word", nodeConf("string-code allow"), "$.string-code"],
	["workers of another word", nodeConf("workers yes"), "$.workers"],
	["64 KiB", nodeConf(`node-identity ${"x".repeat(65_536 - nodeConf("node-identity ").length)}`)],
	["more than 64 KiB", nodeConf(`node-identity ${"x".repeat(65_537 - nodeConf("node-identity ").length)}`), ""],
];

const PRODUCT = { name: "app", root: "/srv/app", catalogs: [HEX], entries: 3 };
const head = (members: object) => JSON.stringify({ signers: [HEX], products: [PRODUCT], ...members });
const digests = (count: number) => times(count, (index) => index.toString(16).padStart(64, "0"));

const PRODUCT_SIGNER = { key: HEX, subject: "CN=Größe,O=\\ a", authorities: [HEX, OTHER_HEX] };
const HEAD_ROWS: readonly Row[] = [
	["no texts", head({})],
	["an empty list of texts", head({ texts: [] })],
	["one text", head({ texts: [HEX] })],
	["two texts in order", head({ texts: [HEX, OTHER_HEX] })],
	["two texts out of order", head({ texts: [OTHER_HEX, HEX] }), "$.texts"],
	["a text twice", head({ texts: [HEX, HEX] }), "$.texts"],
	["a text twice, not one after the other", head({ texts: [HEX, OTHER_HEX, HEX] }), "$.texts"],
	["a text in capitals", head({ texts: [HEX, "F".repeat(64)] }), "$.texts[1]"],
	["a text of 63 digits", head({ texts: [HEX.slice(1)] }), "$.texts[0]"],
	["a text that is a number", head({ texts: [1] }), "$.texts[0]"],
	["texts that are one text", head({ texts: HEX }), "$.texts"],
	["texts that are null", head({ texts: null }), "$.texts"],
	["8192 texts", head({ texts: digests(8192) })],
	["8193 texts", head({ texts: digests(8193) }), "$.texts"],
	["a product without signers", head({ products: [{ ...PRODUCT, signers: [] }] })],
	[
		"a product with signers",
		head({ products: [{ ...PRODUCT, signers: [{ key: HEX, authorities: [] }, PRODUCT_SIGNER] }] }),
	],
	[
		"a signer without a key",
		head({ products: [{ ...PRODUCT, signers: [{ subject: "CN=a", authorities: [] }] }] }),
		"$.products[0].signers[0].key",
	],
	[
		"an empty subject",
		head({ products: [{ ...PRODUCT, signers: [{ ...PRODUCT_SIGNER, subject: "" }] }] }),
		"$.products[0].signers[0].subject",
	],
	[
		"an authority twice",
		head({ products: [{ ...PRODUCT, signers: [{ key: HEX, authorities: [HEX, HEX] }] }] }),
		"$.products[0].signers[0].authorities",
	],
	["a signer as text", head({ products: [{ ...PRODUCT, signers: [HEX] }] }), "$.products[0].signers[0]"],
	["texts in a product", head({ products: [{ ...PRODUCT, texts: [HEX] }] }), "$.products[0].texts"],
];

const documents = (reader: SettingsDocument["reader"], rows: readonly Row[]) =>
	rows.map(([name, text, at]): SettingsDocument => ({ reader, name, bytes: Buffer.from(text), at }));

export const DOCUMENTS: readonly SettingsDocument[] = [
	...documents("policy", JSON_ROWS),
	...documents("policy", POLICY_ROWS),
	...documents("policy", RULE_ROWS),
	...documents("host", HOST_ROWS),
	...documents("launcher", LAUNCHER_ROWS),
	...documents("head", HEAD_ROWS),
];
