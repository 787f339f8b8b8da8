/** These techniques start child processes. Nothing checks the code in a process that the program starts. */

import { chmodSync, copyFileSync } from "node:fs";
import { DATA, EVIL_SHELL, TEXT, type Technique, withData, withText } from "../technique.js";

const CHILD = `const child = require("child_process");\nconst stdio = "inherit";\n`;
const SHELL = JSON.stringify(EVIL_SHELL);

const starts = (name: string, program: string, more: Partial<Technique> = {}) => withText(name, CHILD + program, more);

export const children: readonly Technique[] = [
	starts("node -e by spawnSync()", `child.spawnSync(process.execPath, ["-e", text], { stdio });`),
	starts("node -e by spawn()", `child.spawn(process.execPath, ["-e", text], { stdio });`),
	starts("unsigned file by fork()", `child.fork(data + "/evil.js");`),
	starts(
		"unsigned file by fork() with execArgv",
		`child.fork(__filename, { execArgv: ["--require", data + "/evil.js", "-e", "0"] });`,
	),
	starts("shell by exec()", `child.exec(${SHELL}, (_, out) => console.log(out));`),
	starts("shell by execSync()", `child.execSync(${SHELL}, { stdio });`),
	starts("shell by an option of spawn()", `child.spawn(${SHELL}, { shell: true, stdio });`),
	starts("script by execFileSync()", `child.execFileSync("/bin/sh", [data + "/evil.sh"], { stdio });`),
	starts("unsigned executable by spawn()", `child.spawn(data + "/evil.sh", { stdio });`, {
		arrange: ({ data }) => chmodSync(`${data}/evil.sh`, 0o755),
	}),
	starts("executable found by PATH", `child.spawnSync("tool", { stdio });`, {
		arrange: ({ data }) => {
			copyFileSync(`${data}/evil.sh`, `${data}/tool`);
			chmodSync(`${data}/tool`, 0o755);
		},
		environment: ({ data }) => ({ PATH: `${data}:/usr/bin:/bin` }),
	}),
	starts("start-up file of a shell", `child.execFileSync("bash", ["-c", "true"], { stdio });`, {
		environment: ({ data }) => ({ BASH_ENV: `${data}/evil.sh` }),
	}),
	starts("child by a named import", "", {
		signed: {
			"main.mjs": `import { spawnSync } from "child_process"; spawnSync("/bin/sh", [process.argv[2] + "/evil.sh"], { stdio: "inherit" });`,
		},
	}),
	starts(
		"child by ChildProcess",
		`new child.ChildProcess().spawn({ file: "/bin/sh", args: ["sh", data + "/evil.sh"], stdio });`,
	),
	starts(
		"NODE_OPTIONS of a signed program's child",
		`if (!process.env.CHILD) child.spawnSync(process.execPath, [__filename, data], { stdio, env: { CHILD: "1", NODE_OPTIONS: "--require " + data + "/evil.js" } });`,
	),
	withData(
		"cluster of an unsigned file",
		`const cluster = require("cluster"); cluster.setupPrimary({ exec: data + "/evil.js" }); cluster.fork().on("online", () => setTimeout(() => process.exit(), 500));`,
	),
	withData("process.execve()", `process.execve("/bin/sh", ["sh", data + "/evil.sh"], {});`, {
		notOn: { 20: "not in this release" },
	}),
	{
		name: "child of a worker",
		signed: {
			"main.js": `${DATA}new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
			"inner.js": `${TEXT}require("child_process").spawnSync("/bin/sh", [data + "/evil.sh"], { stdio: [0, 1, 2] });`,
		},
	},
];
