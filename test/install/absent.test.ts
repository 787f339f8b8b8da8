/** Tests that sigtool says why it has no native parts, and that what it advises brings them. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENTS, type Client, fetchClients } from "./clients.js";
import { hasPrebuilt, PackedPackages, type Project } from "./project.js";

const NAME = `@sigtool/native-linux-${process.arch}`;
const FOREIGN = process.arch === "x64" ? "arm64" : "x64";

interface Lock {
	readonly packages: Record<string, { readonly optionalDependencies?: Record<string, string> }>;
}

describe.skipIf(!hasPrebuilt)("absent native parts (needs `pnpm native:all`)", () => {
	let packed: PackedPackages;
	beforeAll(async () => {
		fetchClients();
		packed = new PackedPackages();
		await packed.open();
	});
	afterAll(() => packed.close());

	async function install(folder: string, client: Client, ...options: readonly string[]): Promise<Project> {
		// The loader cannot preload a library whose path has a space.
		const { project, added } = await packed.install(folder.replace(" ", ""), client, ...options);
		if (added.status !== 0) throw new Error(added.output);
		return project;
	}

	/** Returns what doctor and `run` say, without their own words. */
	async function explanations(project: Project): Promise<readonly string[]> {
		const { output } = await project.sigtool(["doctor", "--json"]);
		const { checks } = JSON.parse(output) as { checks: readonly { readonly id: string; readonly value: string }[] };
		writeFileSync(project.at("main.js"), "");
		const run = await project.sigtool(["run", "--json", "--allow-development", "main.js"]);
		const { error } = JSON.parse(run.output) as { error: { readonly message: string } };
		return [
			checks.find(({ id }) => id === "native")?.value ?? "",
			error.message.replace("Cannot find the launcher: ", ""),
		];
	}

	/** Runs the first command that an explanation names, and expects it to bring the parts. */
	async function followAdvice(project: Project, client: Client, explanation: string): Promise<void> {
		const [, command = ""] = /run `([^`]+)`/.exec(explanation) ?? [];
		const [name, ...args] = command.split(" ");
		expect(client.name).toContain(`${name} `);
		const { status, output } = await project.client(client, ...args);
		expect([status, output]).toEqual([0, expect.anything()]);
		const doctor = await project.sigtool(["doctor"]);
		expect(doctor.output).toContain(`prebuilt for linux-${process.arch}`);
		expect(doctor.output).toMatch(/^yes +gate of Node/m);
	}

	it.each(CLIENTS)("$name: left out by the user", async (client) => {
		const project = await install(`omit-${client.name}`, client, client.leaveOut);
		const reason = `${NAME} was left out when sigtool was installed, as ${client.leaveOut} does; run \``;
		const told = await explanations(project);
		expect(told).toEqual([expect.stringContaining(reason), expect.stringContaining(reason)]);
		await followAdvice(project, client, told[0] ?? "");
	});

	it.each(CLIENTS)("$name: installed for another processor", async (client) => {
		const project = await install(`foreign-${client.name}`, client, `--cpu=${FOREIGN}`);
		const reason = `node_modules was installed for linux-${FOREIGN}, and this Node.js is for linux-${process.arch}; run \``;
		const told = await explanations(project);
		expect(told).toEqual([expect.stringContaining(reason), expect.stringContaining(reason)]);
		await followAdvice(project, client, told[0] ?? "");
	});

	it.each(CLIENTS)("$name: damaged, and of another release", async (client) => {
		const project = await install(`damaged-${client.name}`, client);
		const directory = directoryOf(project, await project.sigtool(["native", "build", "--json"]));
		rmSync(join(directory, "sigtool.node"));
		rmSync(join(directory, "sigtool-launch"));
		const reason = `a file of ${NAME} is missing or cannot be loaded here; run \``;
		const told = await explanations(project);
		expect(told).toEqual([expect.stringContaining(reason), expect.stringContaining(reason)]);
		await followAdvice(project, client, told[0] ?? "");

		const manifest = join(directory, "package.json");
		const text = readFileSync(manifest, "utf8").replace(/"version": "[^"]*"/, '"version": "0.0.1"');
		rmSync(manifest); // pnpm links the file to its store.
		writeFileSync(manifest, text);
		expect((await explanations(project))[1]).toContain(`${NAME} is of another release of sigtool (0.0.1); run \``);
	});

	it("npm 10: a lock file that was made on another platform", async () => {
		const [client] = CLIENTS;
		if (client?.name !== "npm 10") throw new Error("npm 10 is gone");
		const project = await install("lock", client);
		// npm writes such a lock file if there was none, but a node_modules that another platform had installed.
		const lock = JSON.parse(readFileSync(project.at("package-lock.json"), "utf8")) as Lock;
		const isOther = (name: string) => /native-linux/.test(name) && !name.endsWith(`-${FOREIGN}`);
		for (const name of Object.keys(lock.packages)) if (isOther(name)) delete lock.packages[name];
		for (const { optionalDependencies = {} } of Object.values(lock.packages)) {
			for (const name of Object.keys(optionalDependencies)) if (isOther(name)) delete optionalDependencies[name];
		}
		writeFileSync(project.at("package-lock.json"), JSON.stringify(lock));
		rmSync(project.at("node_modules"), { recursive: true });
		expect(await project.client(client, "ci")).toMatchObject({ status: 0 });
		const told = await explanations(project);
		const reason = `package-lock.json does not name ${NAME}, as if it had been made on another platform; remove package-lock.json and node_modules, and run \`npm install\``;
		expect(told).toEqual([reason, reason]);
		rmSync(project.at("package-lock.json"));
		rmSync(project.at("node_modules"), { recursive: true });
		await followAdvice(project, client, reason);
	});
});

/** Returns the folder of the prebuilt parts, which `native build` names. */
function directoryOf(project: Project, { output }: { readonly output: string }): string {
	const { files, prebuilt } = JSON.parse(output) as { files: readonly string[]; prebuilt: boolean };
	const [first = project.directory] = files;
	if (!prebuilt) throw new Error(output);
	return join(first, "..");
}
