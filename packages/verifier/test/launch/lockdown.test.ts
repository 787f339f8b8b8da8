/**
 * Tests what the kernel refuses to a launched program. A test program that runs in place of node makes the attempts.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { NEVER_PASSED } from "../../../core/dist/trust/variables.js";
import { compileProgram, hasCompiler, hasLauncher, Installation, isRoot, NATIVE } from "./support.js";

const ERRNO = { EPERM: 1, EACCES: 13, ENOSYS: 38 } as const;

/** The entries of the table in lockdown.c: names such as `SYS_ptrace`, or numbers. */
const DENIED = deniedCalls();

function deniedCalls(): readonly string[] {
	const source = readFileSync(join(NATIVE, "shared/confinement/lockdown.c"), "utf8");
	const table = /DENIED\[\] = \{([^}]*)\}/.exec(source)?.[1] ?? "";
	const isHere = process.arch === "x64" ? table : table.replace(/#ifdef[\s\S]*?#endif/, "");
	return isHere
		.replace(/\/\*.*?\*\/|#.*/g, "")
		.split(",")
		.map((name) => name.trim())
		.filter(Boolean);
}

/**
 * A program that makes the attempts which its last argument names. It prints the errno of each attempt, or 0 for
 * success.
 */
const PROBE = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
static const struct { const char *name; long number; } CALLS[] = {${DENIED.map((name) => `{"${name}", ${name}}`).join(",")}};
static void tell(const char *name, long result) { printf("%s %d\\n", name, result < 0 ? errno : 0); }
int main(int argc, char **argv) {
	const char *what = argv[argc - 1];
	char *none[] = {NULL};
	if (strcmp(what, "calls") == 0)
		for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) tell(CALLS[i].name, syscall(CALLS[i].number, -1, -1, -1, -1, -1, -1));
	if (strcmp(what, "exec") == 0) {
		int self = open("/proc/self/exe", O_RDONLY);
		tell("execve", syscall(SYS_execve, "/nonexistent", none, none));
		tell("execveat", syscall(SYS_execveat, -1, "/nonexistent", none, none, 0));
		tell("empty", syscall(SYS_execveat, open("/dev/null", O_RDONLY), "", none, none, AT_EMPTY_PATH));
		tell("check", syscall(SYS_execveat, self, "", none, none, AT_EMPTY_PATH | 0x10000));
		char *again[] = {argv[0], "again", NULL};
		fflush(stdout);
		syscall(SYS_execveat, self, "", again, none, AT_EMPTY_PATH);
		tell("open", open("/dev/null", O_WRONLY));
	}
	if (strcmp(what, "again") == 0) puts("again 0");
	if (strcmp(what, "terminal") == 0) {
		tell("TIOCSTI", ioctl(0, TIOCSTI, "x"));
		tell("TIOCLINUX", ioctl(0, 0x541c, "x"));
		tell("FIONREAD", ioctl(0, FIONREAD, none));
	}
#ifdef __x86_64__
	if (strcmp(what, "x32") == 0) tell("getpid", syscall(0x40000000 | SYS_getpid));
	if (strcmp(what, "i386") == 0) {
		long result;
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
		printf("getpid %ld\\n", result > 0 ? 0 : -result);
	}
#endif
	if (strcmp(what, "files") == 0)
		for (char *name = strtok(getenv("PROBE"), ":"); name != NULL; name = strtok(NULL, ":")) tell(name, open(name, O_WRONLY | O_CREAT, 0600));
	if (strcmp(what, "limits") == 0) {
		struct rlimit core;
		getrlimit(RLIMIT_CORE, &core);
		printf("core %lu\\nno_new_privs %d\\nsecurebits %x\\n", core.rlim_max, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECUREBITS));
	}
	return 0;
}
`;

/**
 * A program that starts another program in which some system calls fail. Its arguments: NUMBER,NUMBER,… PROGRAM
 * ARGUMENT…
 */
const WITHOUT = `
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
	struct sock_filter code[64] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
	unsigned short length = 1;
	for (char *number = strtok(argv[1], ","); number != NULL && length < 60; number = strtok(NULL, ",")) {
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(number), 0, 1);
		code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38);
	}
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = {length, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return 99;
	execv(argv[2], argv + 2);
	return argc > 2 ? 98 : 97;
}
`;
const LANDLOCK = "444,445,446";

describe.skipIf(!hasLauncher || !hasCompiler)("launched (needs the launcher built, and cc)", () => {
	let programs = "";
	let probe = "";
	let without = "";
	beforeAll(() => {
		programs = temporaryDirectory(atEndOfFile);
		probe = compileProgram(programs, "probe", PROBE);
		without = compileProgram(programs, "without", WITHOUT);
	});

	/** Runs the probe under the launcher (result `refused`) and without the launcher (result `free`). */
	function attempt(what: string, { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {}) {
		const installation = new Installation(probe);
		installation.write("script", "");
		const launched = installation.run([...args, "script", what], { env });
		const plain = installation.runAsGiven([], { env, before: ["sh", "-c", `exec ${probe} ${what}`] });
		const errnos = (text: string) =>
			Object.fromEntries(
				text
					.split("\n")
					.slice(0, -1)
					.map((line) => line.split(" ")),
			);
		return { launched, plain, refused: errnos(launched.stdout), free: errnos(plain.stdout), installation };
	}

	it("each call on the list is refused, but none without the launcher", () => {
		const { refused, free } = attempt("calls");
		const needed = [
			...["setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "ptrace", "bpf"],
			...["process_vm_writev", "memfd_create", "mount", "keyctl", "userfaultfd", "personality", "init_module"],
			...["kexec_load", "unshare", "setns", "chroot", "pivot_root"],
		].map((name) => `SYS_${name}`);
		const byNumber = ["463", "466", "425", "438", "447"]; // setxattrat, removexattrat, io_uring_setup, pidfd_getfd, memfd_secret
		expect(DENIED).toEqual(expect.arrayContaining([...needed, ...byNumber]));
		expect(refused).toEqual(Object.fromEntries(DENIED.map((name) => [name, String(ERRNO.EPERM)])));
		if (isRoot) expect(Object.values(free)).not.toContain(String(ERRNO.EPERM));
	});

	it("executes nothing through any descriptor, but may ask with AT_EXECVE_CHECK", () => {
		const { refused, free } = attempt("exec");
		expect(refused).toMatchObject({ execve: "13", execveat: "13", empty: "13", open: "0" });
		expect(refused.check).not.toBe(String(ERRNO.EACCES));
		expect(refused.again).toBeUndefined();
		expect(free).toMatchObject({ execve: "2", execveat: "2", again: "0" });
	});

	it("cannot type into its terminal", () => {
		const { refused, free } = attempt("terminal");
		expect(refused).toMatchObject({ TIOCSTI: "1", TIOCLINUX: "1" });
		expect(refused.FIONREAD).toBe(free.FIONREAD);
		expect([free.TIOCSTI, free.TIOCLINUX]).not.toContain("1");
	});

	it.skipIf(process.arch !== "x64")("has no second numbering of system calls", () => {
		expect(attempt("x32").refused).toEqual({ getpid: "1" });
		const { launched, plain } = attempt("i386");
		expect(launched.signal).toBe("SIGSYS");
		expect(["getpid 0\n", ""]).toContain(plain.stdout);
	});

	it("can write only below granted directories and to /dev/null", () => {
		const scratch = mkdtempSync(join(programs, "scratch-"));
		mkdirSync(join(scratch, "granted"));
		const files = ["granted/file", "file"].map((name) => join(scratch, name));
		const all = [...files, "/proc/self/mem", "/dev/null", without];
		const env = { PROBE: all.join(":") };
		const { refused, free } = attempt("files", { env, args: ["--write", join(scratch, "granted")] });
		expect(all.map((name) => refused[name])).toEqual(["0", "13", "13", "0", "13"]);
		expect(all.slice(0, 4).map((name) => free[name])).toEqual(["0", "0", "0", "0"]);
	});

	it("can also write below the directories of its configuration", () => {
		const installation = new Installation(probe);
		installation.write("script", "");
		mkdirSync(installation.at("data"));
		installation.set("write", installation.at("data"));
		const files = [installation.at("data/file"), installation.at("file")];
		const { stdout } = installation.run(["script", "files"], { env: { PROBE: files.join(":") } });
		expect(stdout).toBe(`${files[0]} 0\n${files[1]} 13\n`);
	});

	it("appends to the file of events, but not through a link in its place", () => {
		const installation = new Installation(probe);
		installation.write("script", "");
		const [events, other] = [installation.at("events"), installation.write("other", "")];
		installation.set("audit", events);
		const files = { env: { PROBE: `${events}:${other}` } };
		expect(installation.run(["script", "files"], files).stdout).toBe(`${events} 0\n${other} 13\n`);
		rmSync(events);
		symlinkSync(other, events);
		expect(installation.run(["script", "files"], files).stdout).toBe(`${events} 13\n${other} 13\n`);
	});

	it("can neither dump core nor gain privileges", () => {
		const { refused } = attempt("limits");
		expect(refused).toMatchObject({ core: "1", no_new_privs: "1" });
	});

	it("is not restricted in the modes audit and off", () => {
		const scratch = join(programs, "audited");
		for (const mode of ["audit", "off"]) {
			const { launched } = attempt("files", { env: { PROBE: scratch }, args: ["--mode", mode] });
			expect(launched.stdout).toBe(`${scratch} 0\n`);
		}
	});

	describe("a feature that this kernel lacks", () => {
		const lacking: readonly (readonly [string, string])[] = [
			["landlock (Linux 5.13)", LANDLOCK],
			["seccomp (Linux 4.14)", process.arch === "x64" ? "317" : "277"],
		];
		it.each(lacking)("is named in the message and in the record: %s", (feature, calls) => {
			const installation = new Installation();
			installation.write("script", "");
			const run = installation.run(["script"], { before: [without, calls] });
			// Without a filter nothing refuses the owners of files either.
			const named = feature.startsWith("seccomp") ? [feature, "signal-owners (Linux 4.14)"] : [feature];
			const tells = "docs/reference/launcher.md tells what that leaves open";
			expect(run.stderr).toBe(named.map((name) => `sigtool-launch: this kernel lacks ${name}; ${tells}\n`).join(""));
			expect(run.launched().record).toContain(`missing ${feature.split(" ")[0]}\n`);
			expect(run.status).toBe(0);
		});
		it.each(lacking)("makes strict mode refuse to start: %s", (feature, calls) => {
			const installation = new Installation();
			installation.write("script", "");
			const { status, stderr, stdout } = installation.run(["--mode", "strict", "script"], { before: [without, calls] });
			expect(stderr).toBe(`sigtool-launch: Cannot enforce strictly: this kernel lacks ${feature}\n`);
			expect([status, stdout]).toEqual([126, ""]);
		});
	});

	it("drops each dangerous variable that docs/reference/launcher.md lists", () => {
		const installation = new Installation();
		installation.write("script", "");
		const dropped = variablesIn("DROPPED");
		expect(dropped).toEqual(NEVER_PASSED);
		expect(dropped).toEqual(
			expect.arrayContaining([
				"NODE_*",
				"LD_*",
				"OPENSSL_*",
				"PYTHON*",
				"BASH_*",
				"ENV",
				"GCONV_PATH",
				"GLIBC_TUNABLES",
			]),
		);
		const documented = readFileSync(join(NATIVE, "../../../docs/reference/launcher.md"), "utf8");
		expect(dropped.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);

		const examples = dropped.map((name) => name.replace("*", "X"));
		const real = ["NODE_PATH", "NODE_EXTRA_CA_CERTS", "OPENSSL_CONF", "SIGTOOL_PASSPHRASE", "LD_AUDIT"];
		const kept = {
			NODE_ENV: "production",
			LC_ALL: "C.UTF-8",
			TZ: "UTC",
			APP_SETTING: "1",
			LDAP: "1",
			ENVIRONMENT: "1",
		};
		const env = { ...Object.fromEntries([...examples, ...real].map((name) => [name, "1"])), ...kept };
		const { environment } = installation.run(["script"], { env }).launched();
		expect(Object.keys(environment).sort()).toEqual(["HOME", "PATH", "SIGTOOL_LAUNCH", ...Object.keys(kept)].sort());
		const few = installation.run(["--env-clear", "script"], { env }).launched().environment;
		expect(Object.keys(few).sort()).toEqual(["HOME", "LC_ALL", "PATH", "SIGTOOL_LAUNCH", "TZ"]);
	});

	/** Variables by which libraries of Python programs load code, none of which the launcher's list of harmful ones has. */
	const OTHERS = [
		...["ODBCSYSINI", "ODBCINI", "GI_TYPELIB_PATH", "HDF5_PLUGIN_PATH", "SDL_DYNAMIC_API", "OMP_TOOL_LIBRARIES"],
		...["CUDA_INJECTION64_PATH", "GSS_MECH_CONFIG", "XDG_DATA_DIRS", "LISTEN_FDS", "NODE_OPTIONS", "LD_AUDIT", "OTHER"],
	];
	const strict = (installation: Installation, env: Readonly<Record<string, string>>) =>
		installation.run(["--mode", "strict", "script"], { env });

	it("passes in strict only the variables that docs/reference/launcher.md lists, and those that launcher.conf names", () => {
		const installation = new Installation();
		installation.write("script", "");
		installation.set("environment", "DATABASE_URL\nenvironment APP_*\nenvironment NODE*");
		const listed = variablesIn("LISTED");
		const documented = readFileSync(join(NATIVE, "../../../docs/reference/launcher.md"), "utf8").split(
			"## Variables in mode strict",
		)[1];
		expect(listed.filter((name) => !documented?.split("\n## ")[0]?.includes(`\`${name}\``))).toEqual([]);
		const kept = [...listed.map((name) => name.replace("*", "X")), "DATABASE_URL", "APP_", "APP_NAME"];
		const env = Object.fromEntries([...kept, ...OTHERS, "DATABASE_URLS", "APPNAME"].map((name) => [name, "secret"]));
		const { environment } = strict(installation, env).launched();
		expect(Object.keys(environment).sort()).toEqual([...kept, "SIGTOOL_LAUNCH"].sort());
		const enforced = installation.run(["script"], { env }).launched().environment;
		expect(Object.keys(enforced)).toEqual(expect.arrayContaining([...kept, "ODBCSYSINI", "OTHER"]));
	});

	it("passes in strict no time zone, language or terminal that is the path of a file", () => {
		const installation = new Installation();
		installation.write("script", "");
		const passing = (env: Readonly<Record<string, string>>) => {
			const { environment } = strict(installation, env).launched();
			return Object.keys(environment).filter((name) => name in env);
		};
		expect(
			passing({ TZ: "Europe/Berlin", LANG: "de_DE.UTF-8", LC_ALL: "C", LANGUAGE: "de:en", TERM: "xterm" }),
		).toHaveLength(5);
		expect(passing({ TZ: ":/tmp/x", LANG: "../x", LC_ALL: "/tmp/x", LANGUAGE: "de:/tmp/x", TERM: "x/y" })).toEqual([]);
		expect(passing({ TZ: "/tmp/x" })).toEqual([]);
		expect(passing({ TZ: ":../../tmp/x" })).toEqual([]);
	});

	it("tells in strict by an event, or without a file of events by a line, which variables do not pass, and no value", () => {
		const installation = new Installation();
		installation.write("script", "");
		const env = { DATABASE_URL: "postgres://secret", "APP\n{": "secret", LD_AUDIT: "secret" };
		expect(strict(installation, env).stderr).toBe(
			"sigtool-launch: environment variables stopped by mode strict (policy: launch.environment): DATABASE_URL, APP?{, LD_AUDIT\n",
		);
		expect(strict(installation, {}).stderr).toBe("");
		installation.set("audit", installation.at("events.jsonl"));
		expect(strict(installation, env).stderr).toBe("");
		const lines = readFileSync(installation.at("events.jsonl"), "utf8").trim().split("\n");
		const event = {
			event: "verifier.environment",
			verdict: "allow",
			count: 3,
			detail: "DATABASE_URL, APP?{, LD_AUDIT",
		};
		expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining(event)]);
		expect(lines[0]).not.toContain("secret");
		expect(installation.run(["script"], { env }).stderr).toBe("");
	});

	it("every refused call is in docs/reference/launcher.md", () => {
		const documented = readFileSync(join(NATIVE, "../../../docs/reference/launcher.md"), "utf8");
		const source = readFileSync(join(NATIVE, "shared/confinement/lockdown.c"), "utf8");
		const names = DENIED.map((name) => {
			if (name.startsWith("SYS_")) return name.slice(4);
			return new RegExp(`\\b${name} /\\* (\\w+)`).exec(source)?.[1] ?? name;
		});
		expect(names.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
	});
});

/** Returns the names in a table of shared/process/environment.c. */
function variablesIn(table: string): readonly string[] {
	const source = readFileSync(join(NATIVE, "shared/process/environment.c"), "utf8");
	const text = new RegExp(`${table}\\[\\] = \\{([^}]*)\\}`).exec(source)?.[1] ?? "";
	return [...text.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
}
