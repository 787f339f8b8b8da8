/** Runs the commands of docs/how-to/runbook.md on a host where a file was changed, in the order of the page. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES } from "../host/runtimes.js";
import { canOverlay } from "./overlay-root.js";
import { canOperate } from "./service.js";
import { EXAMPLES, SignedHost } from "./signed-host.js";
import { canFilter } from "./unit-sandbox.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/how-to/runbook.md", import.meta.url)), "utf8");
const UNIT = readFileSync(join(EXAMPLES, "deploy/app.service"), "utf8");
const node = RUNTIMES.find(({ name }) => name === "Node.js 24")?.program;
const canRun = canOperate && canOverlay && canFilter && node !== undefined;

/** Every command in a box of the page, without `sudo`, with the heading above it. */
const COMMANDS = [...PAGE.matchAll(/^## (.*)$|^```sh\n([\s\S]*?)^```$/gm)]
	.reduce<[heading: string, command: string][]>((found, [, heading, box]) => {
		if (heading !== undefined) found.push([heading, ""]);
		const current = found.at(-1)?.[0] ?? "";
		for (const line of box?.replaceAll("\\\n", " ").trimEnd().split("\n") ?? [])
			found.push([current, line.replace(/^sudo /, "")]);
		return found;
	}, [])
	.filter(([, command]) => command !== "");

/** These commands ask systemd, which does not run here. A restart starts the unit's command as the unit says. */
const OF_SYSTEMD = ["systemctl status app", "journalctl -u app -n 20"];

/** The statuses with which a command ends, in the order of its section. Other commands end with 0. */
const ENDINGS: Readonly<Record<string, readonly number[]>> = {
	"A refusal: 126 > sigtool verify /srv/app --trust /etc/sigtool/release.crt": [1],
	"A refusal: 126 > sigtool launcher check --files --quiet": [1],
	"Rotate a key > sigtool launcher check": [1],
	"Rotate a key > systemctl restart app": [126],
	// The host refuses again, once it is closed, the code that ran while it was open.
	"Open in an emergency > systemctl restart app": [0, 126],
};

/**
 * Each command sees the host through a mount of its own. If other mounts came or went meanwhile, the mount has another
 * device number, so that node is not the file that was installed, and this command tells of a change.
 */
const DEPENDS_ON_MOUNT = "Upgrade > sigtool launcher install --check";

const SIGNED = "console.log('serving')\n";
const CHANGED = "console.log('changed')\n";

/** Events on the host before a section. */
const BEFORE: Readonly<Record<string, (host: SignedHost) => void>> = {
	"The first two minutes": (host) => host.write("/srv/app/main.js", CHANGED),
	"Open in an emergency": (host) => {
		host.do(["cp", "/home/verifier.json", "/etc/sigtool/verifier.json"]);
		host.write("/srv/app/main.js", CHANGED);
	},
	Upgrade: (host) => host.write("/srv/app/main.js", SIGNED),
};

/** The program says this after a restart that succeeds. */
const SAYS: Readonly<Record<string, string>> = { "Open in an emergency": "changed\n" };

describe("docs/how-to/runbook.md", () => {
	it("has boxes with commands, and no command in another kind of box", () => {
		expect(COMMANDS.length).toBeGreaterThan(30);
		expect(
			[...PAGE.matchAll(/^```(\w*)$/gm)].map(([, kind]) => kind).filter((kind) => kind !== "" && kind !== "sh"),
		).toEqual([]);
		for (const command of OF_SYSTEMD) expect(COMMANDS.map(([, each]) => bare(each))).toContain(command);
	});

	it("links only to headings and files that exist", () => {
		const docs = fileURLToPath(new URL("../../docs/how-to/", import.meta.url));
		for (const [, target = ""] of PAGE.matchAll(/\]\(([^)]+)\)/g)) {
			const [file = "", heading] = target.split("#");
			const text = file === "" ? PAGE : file.endsWith(".md") ? readFileSync(join(docs, file), "utf8") : "";
			if (heading === undefined) continue;
			const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => {
				return title
					.toLowerCase()
					.replace(/[^\w -]/g, "")
					.replaceAll(" ", "-");
			});
			expect([target, anchors.includes(heading)]).toEqual([target, true]);
		}
	});
});

function bare(command: string): string {
	return command.replace(/\s+#.*$/, "");
}

describe.skipIf(!canRun)(
	"the commands of docs/how-to/runbook.md (needs root, overlayfs, setpriv and systemd-analyze)",
	() => {
		let host: SignedHost;
		beforeAll(() => {
			host = new SignedHost();
			host.installNode(node ?? "");
			const key = host.makeKey("release");
			host.configure("deploy/verifier.json", "/etc/sigtool/verifier.json", key);
			host.ship("app", { "main.js": SIGNED }, key, "deploy", "/home/out");
			host.write("/etc/sigtool/release.crt", readFileSync(key.certFile));
			host.do(["sh", "-c", "cp /home/out/app.sigx /etc/sigtool && tar -C /srv -xf /home/out/app.tar"]);
			host.do(["sigtool", "launcher", "install", "--index", "/etc/sigtool/app.sigx"]);
			host.do(["cp", "/etc/sigtool/verifier.json", "/home/verifier.json"]);
			expect(restart()).toMatchObject({ status: 0, stdout: "serving\n" });
			BEFORE["The first two minutes"]?.(host);
			expect(restart()).toMatchObject({ status: 126, stdout: "" });
		});

		function restart() {
			const ending = host.startUnit(UNIT);
			// The tests read the events below the name that the unit's users see.
			host.do(["chmod", "0755", "/var/log/private"]);
			return ending;
		}

		const seen = new Map<string, number>();
		const numbered = COMMANDS.map(([heading, command], i) => {
			const text = bare(command);
			const name = `${heading} > ${text}`;
			const occurrence = seen.get(name) ?? 0;
			seen.set(name, occurrence + 1);
			const isFirst = COMMANDS[i - 1]?.[0] !== heading;
			return [i + 1, name, { heading, text, isFirst, expected: ENDINGS[name]?.[occurrence] ?? 0 }] as const;
		});

		it.each(numbered)("%d. %s", (_, name, { heading, text, isFirst, expected }) => {
			if (isFirst) BEFORE[heading]?.(host);
			if (OF_SYSTEMD.includes(text)) return;
			const isRestart = text === "systemctl restart app";
			const run = isRestart ? restart() : host.run(["sh", "-c", text], { cwd: "/home", env: { HOME: "/home" } });
			const said = `${run.stdout}${run.stderr}`;
			if (name === DEPENDS_ON_MOUNT) expect([0, 1], said).toContain(run.status);
			else expect(run.status, said).toBe(expected);
			if (isRestart) expect(run.stdout).toBe(expected === 0 ? (SAYS[heading] ?? "serving\n") : "");
		});

		it("makes a key that is trusted as a pin, not as an authority", () => {
			const verifying = [
				"mkdir signed && echo 1 > signed/a",
				"sigtool sign signed --key next.pem --cert next.crt --quiet",
				"sigtool verify signed --trust next.crt",
			].join(" && ");
			const { stdout, stderr } = host.run(["sh", "-c", verifying], { cwd: "/home", env: { HOME: "/home" } });
			expect(stdout, stderr).toMatch(/^ +trusted by +pin /m);
		});
	},
);
