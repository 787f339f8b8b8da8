/** Follows each page by its text alone, on a machine where nothing of sigtool is set up. */

import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { installedPackages } from "../applications/install.mjs";
import { canOverlay } from "../operations/overlay-root.js";
import { canFilter } from "../operations/unit-sandbox.js";
import { hasProgram, spawnSync } from "../outside.js";
import { FollowedHost } from "./followed-host.js";
import { type Step, stepsOf } from "./page.js";
import { expectShown } from "./transcript.js";

interface Followed {
	readonly page: string;
	/** The reason why it cannot be followed here, if there is one. */
	readonly without?: string | false | undefined;
	/** Puts what the page asks for in place. */
	readonly prepare?: (host: FollowedHost) => void;
	/** Steps after the last one, which show that the reader has got there. */
	readonly added?: readonly Step[];
	/** Another page that the same reader follows then. */
	readonly next?: string;
}

/** No test machine has what these boxes need: probes of the kernel, and the certificates of a log host, which have tests of their own. */
const NOT_HERE = /^bpftrace |sigtool-forward/;

/** Prints the answer of the service, without curl(1), which not every machine has. */
const fetching = (path: string) =>
	`node -e 'fetch("http://127.0.0.1:8080${path}").then((answer) => answer.text()).then(console.log)'`;

/** A step that asks the service for a page. */
const asked = (path: string, output: string): Step => ({
	heading: `the service answers ${path}`,
	command: `${fetching(path)}\n`,
	output,
});

const EXPRESS = `const express = require("express");
const app = express();
app.get("/", (request, response) => response.json({ hello: "express" }));
app.listen(8080, "127.0.0.1");
`;
const FLASK = `from flask import Flask
app = Flask(__name__)

@app.route("/")
def index():
    return {"hello": "flask"}

@app.route("/late")
def late():
    import late
    return {"late": late.VALUE}
`;
const express = canOverlay ? installedPackages("programs") : undefined;
const hasGunicorn = hasProgram("gunicorn") && spawnSync("/usr/bin/python3", ["-c", "import flask"]).status === 0;

const PAGES: readonly Followed[] = [
	{ page: "docs/tutorials/sign-a-library.md" },
	{ page: "docs/tutorials/sign-in-a-pipeline.md" },
	{ page: "docs/tutorials/run-only-signed-code.md" },
	{
		page: "docs/how-to/deploy.md",
		without: !canFilter ? "systemd-analyze and setpriv" : express === undefined && "npm and its registry",
		prepare(host) {
			host.installNode(nodeOfRelease("24"));
			host.know("app", "deploy/app.service");
			host.write("/home/ada/app/main.js", EXPRESS);
			host.write("/home/ada/app/package.json", '{ "name": "app", "version": "1.0.0", "main": "main.js" }\n');
			const modules = join(express ?? "", "node_modules");
			cpSync(modules, host.at("/home/ada/app/node_modules"), { recursive: true, verbatimSymlinks: true });
		},
		added: [
			asked("/", '{"hello":"express"}'),
			{
				heading: "the log host has the events",
				command: "mkdir /var/log/sigtool-hosts; cp /var/log/sigtool/audit.jsonl /var/log/sigtool-hosts/web1.jsonl\n",
				output: undefined,
			},
		],
		next: "docs/how-to/monitoring.md",
	},
	{
		page: "docs/how-to/deploy-python.md",
		without: !canFilter ? "systemd-analyze and setpriv" : !hasGunicorn && "gunicorn and python3-flask",
		prepare(host) {
			host.know("app", "deploy-python/app.service", "deploy-python/gunicorn.conf");
			host.write("/home/ada/app/main.py", FLASK);
			host.write("/home/ada/app/late.py", "VALUE = 1\n");
		},
		added: [
			asked("/", '{"hello":"flask"}'),
			{
				heading: "a refusal ends one worker, and the unit stays up",
				command: `for file in /srv/app/late.py /srv/app/__pycache__/late.*.pyc; do echo "# changed" >>$file; done
${fetching("/late")} 2>/dev/null || echo "no answer"
sleep 2
systemctl status app
grep -c "exited with code 126$" /run/app.log
`,
				output: "no answer\nactive\n1",
			},
			asked("/", '{"hello":"flask"}'),
		],
	},
];

function stepsHere(page: string): Step[] {
	return stepsOf(page).filter(({ command }) => !NOT_HERE.test(command));
}

describe.each(PAGES)("$page", ({ page, without = false, prepare, added = [], next }) => {
	const isSkipped = !canOverlay || !hasProgram("ip") || without !== false;
	describe.skipIf(isSkipped)(`on a machine of its own (root, overlayfs, iproute2 ${without || ""})`, () => {
		// Vitest calls this function even if it skips the tests.
		if (isSkipped) return void it.skip("has steps", () => {});
		const host = new FollowedHost();
		afterAll(() => host.remove());
		prepare?.(host);
		const outcomes = host.follow([...stepsHere(page), ...added, ...(next === undefined ? [] : stepsHere(next))]);

		it("has steps", () => expect(outcomes.length).toBeGreaterThan(5));

		it.each(outcomes.map((each, index) => ({ ...each, index })))("$index: $heading", ({ output, printed, failed }) => {
			if (output === undefined) expect({ failed, printed }).toMatchObject({ failed: [] });
			else expectShown(printed, output);
		});
	});
});
