/**
 * A host or an image of its own: this machine's files, with everything that is written in a directory beside them. Only
 * what runs in it sees what it wrote, so that examples can be tried under the paths that they name. Root is needed.
 */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type SpawnSyncReturns, spawnSync } from "../outside.js";

const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Directories of this machine below which the root has its own files. */
const LAYERED = ["etc", "usr", "var"];

export const canOverlay =
	process.getuid?.() === 0 &&
	spawnSync("unshare", [
		"-m",
		"sh",
		"-c",
		"mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && mount -t overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w none /mnt",
	]).status === 0;

export interface RootOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	/** Lines of a shell script that run before the program, outside of the root, which is in $root. */
	readonly before?: string;
	/** The user and group, in numbers. Then the process gets no new privileges. */
	readonly user?: string;
	/** The program has a network and processes of its own. All of these end with it. */
	readonly isAlone?: boolean;
}

export class OverlayRoot {
	/** The directory must not be below one that is layered. */
	readonly directory = mkdtempSync("/opt/sigtool-root-");
	readonly path = join(this.directory, "root");
	readonly #layered: readonly string[];

	/** With `empty` the root has nothing of this machine but devices and processes. */
	constructor(content: "machine" | "empty" = "machine") {
		this.#layered = content === "machine" ? LAYERED : [];
		for (const name of this.#layered) for (const kind of ["root", "upper", "work"]) this.#make(kind, name);
		for (const name of ["dev", "proc", "sys"]) this.#make("root", name);
		if (content === "empty") return;
		for (const name of ["run", "srv", "tmp", "opt", "root", "home"]) this.#make("root", name);
		for (const name of ["bin", "lib", "lib64", "sbin"]) symlinkSync(`usr/${name}`, join(this.path, name));
	}

	/** Returns another root with the same files. */
	copy(): OverlayRoot {
		const copy = new OverlayRoot(this.#layered.length > 0 ? "machine" : "empty");
		for (const kind of ["root", ...(this.#layered.length > 0 ? ["upper"] : [])]) {
			const { status, stderr } = spawnSync("cp", ["-a", `${join(this.directory, kind)}/.`, join(copy.directory, kind)]);
			if (status !== 0) throw new Error(`Cannot copy ${this.directory}: ${stderr}`);
		}
		return copy;
	}

	#make(...parts: readonly string[]): void {
		mkdirSync(join(this.directory, ...parts), { recursive: true, mode: 0o755 });
	}

	/** Returns where the root keeps a file that this machine does not have. */
	at(path: string): string {
		const [, first = ""] = path.split("/");
		return join(this.directory, this.#layered.includes(first) ? "upper" : "root", path);
	}

	write(path: string, text: string | Buffer, mode = 0o644): void {
		mkdirSync(dirname(this.at(path)), { recursive: true, mode: 0o755 });
		writeFileSync(this.at(path), text, { mode });
	}

	/** Runs a program in the root, in a mount namespace that ends with it. */
	run(
		args: readonly string[],
		{ env = {}, cwd = "/", before = "", user, isAlone = false }: RootOptions = {},
	): SpawnSyncReturns<string> {
		const shared = [WORKSPACE, dirname(process.execPath)].filter((path) => path !== "/usr/bin");
		const machine = `
			for name in ${this.#layered.join(" ")}; do
				mount -t overlay -o lowerdir=/$name,upperdir=$directory/upper/$name,workdir=$directory/work/$name none $root/$name
			done
			for name in run tmp; do mount -t tmpfs -o mode=1777,nosuid,nodev none $root/$name; done
			for shared in ${shared.join(" ")}; do mkdir -p $root$shared; mount --bind $shared $root$shared; done`;
		const script = `
			set -e
			directory=$1; shift
			root=$directory/root
			mount --bind $root $root
			for name in dev ${isAlone ? "" : "proc"} sys; do mount --rbind /$name $root/$name; done
			${isAlone ? "mount -t proc proc $root/proc; ip link set lo up" : ""}
			${this.#layered.length > 0 ? machine : ""}
			${before}
			cd $root
			exec "$@"`;
		const entry = [
			...(user === undefined ? [] : ["setpriv", "--no-new-privs", "--clear-groups", "--"]),
			...["chroot", ...(user === undefined ? [] : [`--userspec=${user}`]), "."],
			...(cwd === "/" ? [] : ["env", "-C", cwd]),
		];
		const alone = isAlone ? ["--net", "--pid", "--fork", "--kill-child"] : [];
		return spawnSync("unshare", ["-m", ...alone, "sh", "-c", script, "sh", this.directory, ...entry, ...args], {
			encoding: "utf8",
			env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", ...env },
			timeout: 300_000,
		});
	}

	remove(): void {
		rmSync(this.directory, { recursive: true, force: true });
	}
}
