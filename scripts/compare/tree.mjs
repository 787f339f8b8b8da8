/** The tree that every tool signs, and what an attacker who may write to it does. */

import {
	appendFileSync,
	chmodSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** The code is PowerShell, because osslsigncode can sign that and no other text. */
const FILES = {
	"main.ps1": ". $PSScriptRoot/lib/hello.ps1\n",
	"lib/hello.ps1": "Write-Output 'hello'\n",
	"lib/ready.ps1": "Write-Output 'ready'\n",
	"old/hello.ps1": "Write-Output 'hello from last year'\n",
	"data.json": '{ "name": "Ada" }\n',
};

/** Makes the tree in a new folder. */
export function makeTree(folder) {
	for (const [name, text] of Object.entries(FILES)) {
		mkdirSync(join(folder, name, ".."), { recursive: true });
		writeFileSync(join(folder, name), text);
		chmodSync(join(folder, name), 0o644);
	}
	symlinkSync("lib", join(folder, "current"));
}

/**
 * Each change has a title and a function. The function gets the folder, and for each path the files in which the tool
 * keeps the signature: whoever may rename a file may rename these as well. An extended attribute goes along by itself.
 * @type {readonly { title: string, apply: (folder: string, beside: (path: string) => string[]) => void }[]}
 */
export const CHANGES = [
	{
		title: "changed file",
		apply: (folder) => {
			const path = join(folder, "lib/hello.ps1");
			writeFileSync(path, readFileSync(path, "latin1").replace("hello", "evil!"), "latin1");
		},
	},
	{ title: "line appended", apply: (folder) => appendFileSync(join(folder, "lib/hello.ps1"), "Write-Output 'evil'\n") },
	{ title: "added file", apply: (folder) => writeFileSync(join(folder, "lib/evil.ps1"), "Write-Output 'evil'\n") },
	{
		title: "removed file",
		apply: (folder, beside) => {
			for (const name of withBeside("lib/ready.ps1", beside)) rmSync(join(folder, name));
		},
	},
	{
		title: "renamed file",
		apply: (folder, beside) => move(folder, "lib/ready.ps1", "lib/steady.ps1", beside),
	},
	{
		title: "two files swapped",
		apply: (folder, beside) => {
			move(folder, "lib/hello.ps1", "lib/third.ps1", beside);
			move(folder, "lib/ready.ps1", "lib/hello.ps1", beside);
			move(folder, "lib/third.ps1", "lib/ready.ps1", beside);
		},
	},
	{ title: "execute bit set", apply: (folder) => chmodSync(join(folder, "lib/hello.ps1"), 0o755) },
	{
		title: "link retargeted",
		apply: (folder) => {
			rmSync(join(folder, "current"));
			symlinkSync("old", join(folder, "current"));
		},
	},
];

const withBeside = (path, beside) => [path, ...beside(path)];

function move(folder, from, to, beside) {
	const targets = withBeside(to, beside);
	for (const [index, name] of withBeside(from, beside).entries())
		renameSync(join(folder, name), join(folder, targets[index]));
}
