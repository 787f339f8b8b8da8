/**
 * Lists what the launcher's sandbox protects, and the probes that show each protection. docs/reference/launcher.md has this list
 * as a table, and the tests of this directory run every probe.
 */

export type Errno =
	| "0"
	| "EACCES"
	| "EBADF"
	| "ECANCELED"
	| "EFAULT"
	| "EINVAL"
	| "ENODATA"
	| "ENOENT"
	| "ENOSYS"
	| "ENOTDIR"
	| "ENOTTY"
	| "EOPNOTSUPP"
	| "EPERM"
	| "EPROTONOSUPPORT"
	| "EAFNOSUPPORT"
	| "ESOCKTNOSUPPORT"
	| "EXDEV";

export interface Probe {
	/** The name of the probe in probes/*.c. */
	readonly name: string;
	/** The errno under the launcher. It is undefined if the launcher must not refuse the probe. */
	readonly refused?: Errno;
	/**
	 * The results that are possible without the launcher. A result other than "0" is possible only if this machine
	 * lacks a feature that the probe uses, or if the probe uses an invalid argument so that it changes nothing.
	 */
	readonly unguarded: readonly Errno[];
	/** The errno without the launcher for a user without privileges, if it differs. */
	readonly user?: Errno;
	/**
	 * The value `python` means that only CPython has the protection, because Node.js compiles code in memory, and because
	 * its gate loads libraries from memory files. The value
	 * `root` means that the launcher takes a right from root that other users keep.
	 */
	readonly only?: "python" | "root";
}

export interface Protection {
	/** The number in the names of this protection's tests, or 0 if they have no number. */
	readonly number: number;
	readonly name: string;
	readonly stops: string;
	/** The first version of Linux that has the protection. */
	readonly linux: string;
	readonly probes: readonly Probe[];
	/** The names of attacks of this class that have separate tests. */
	readonly also?: readonly string[];
	/** Texts for the table that stand for the refused probes and the others, if these are too many to list. */
	readonly short?: readonly [refused: string, others: string];
}

const refused = (error: Errno, names: string, more: Partial<Probe> = {}): readonly Probe[] =>
	names.split(" ").map((name) => ({ name, refused: error, unguarded: ["0"], ...more }));
/** Returns probes that the launcher must not refuse. */
const open = (names: string, more: Partial<Probe> = {}): readonly Probe[] =>
	names.split(" ").map((name) => ({ name, unguarded: ["0"], ...more }));
/** Without the launcher, only root can do this. */
const root = { user: "EPERM" } as const;

/** Returns names as a table shows them. */
export const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

const MODE_CALLS = [
	"chmod",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"creat",
	"open",
	"openat",
	"unnamed",
	"mknod",
	"mknodat",
];
const withSuffix = (...suffixes: string[]) =>
	MODE_CALLS.flatMap((call) => suffixes.map((suffix) => `${call}-${suffix}`)).join(" ");

export const PROTECTIONS: readonly Protection[] = [
	{
		number: 1,
		name: "no programs",
		stops: "Starting any program, the runtime without its hook included.",
		linux: "4.14",
		probes: [
			...refused("EACCES", "execve execveat execveat-descriptor"),
			...refused("EPERM", "memfd-create"),
			...open("execveat-check", { unguarded: ["0", "EINVAL"] }),
		],
		also: ["replay-low-half", "replay-high-half"],
	},
	{
		number: 0,
		name: "files",
		stops:
			"Changing files outside of the granted directories, and memory by way of `/proc`. Devices, attributes and mounts.",
		linux: "5.13; truncation 6.2",
		probes: [
			...refused("EACCES", "write-outside truncate-outside make-outside own-memory"),
			...refused("EACCES", "make-device", root),
			...refused("EPERM", "set-attribute", { unguarded: ["0", "EOPNOTSUPP"] }),
			...refused("EPERM", "mount", { unguarded: ["ENOTDIR"], ...root }),
			...open("read-outside write-granted change-mode-outside change-times-outside"),
		],
	},
	{
		number: 2,
		name: "other processes",
		stops:
			"Signals to other processes, such as the one that opens the inspector of Node.js. Abstract sockets of others.",
		linux: "6.12",
		probes: [
			...refused("EPERM", "signal-0 signal-usr1 signal-tgkill signal-sigqueue signal-pidfd"),
			...refused("EPERM", "abstract-stream abstract-datagram"),
			...open("signal-own path-stream path-datagram udp tcp-connect tcp-bind"),
		],
	},
	{
		number: 2,
		name: "signals by way of files",
		stops:
			"Files that signal another process or a process group, past the scope of Landlock. Joining the group of others.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "signal-owner signal-owner-group signal-owner-extended signal-owner-request"),
			...refused("EPERM", "signal-owner-socket signal-number join-group"),
			...open("signal-owner-own signal-owner-none lead-group lead-group-by-number lead-session"),
		],
	},
	{
		number: 0,
		name: "state of other processes",
		stops: "Debugging other processes, reading their memory, taking their descriptors.",
		linux: "5.13",
		probes: [
			...refused("EPERM", "ptrace"),
			...refused("EPERM", "pidfd-getfd"),
			...refused("EPERM", "process-vm-readv", { unguarded: ["EFAULT"] }),
			...refused("EACCES", "read-environment"),
			// Root cannot raise limits on a machine without CAP_SYS_RESOURCE.
			...refused("EPERM", "set-limit", { unguarded: ["0", "EPERM"], user: "0" }),
		],
	},
	{
		number: 3,
		name: "btrfs",
		stops: "Snapshots and subvolumes, for which a directory that is open for reading suffices.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "btrfs-subvolume btrfs-snapshot", { unguarded: ["ENOTTY"] }),
			...refused("EPERM", "deduplicate", { unguarded: ["EOPNOTSUPP", "EINVAL", "0"] }),
			...open("clone-file", { unguarded: ["0", "EXDEV", "EOPNOTSUPP"] }),
		],
	},
	{
		number: 4,
		name: "set-user-ID files",
		stops: "Making files that run with their owner's rights, in granted directories too.",
		linux: "4.14",
		probes: [
			...refused("EPERM", withSuffix("setuid", "setgid")),
			...refused("ENOSYS", "openat2-setuid"),
			...open(`${withSuffix("ordinary")} open-existing`),
		],
		short: [
			`${list(MODE_CALLS)}, each with \`-setuid\` and \`-setgid\`; \`openat2-setuid\``,
			"the same with `-ordinary`; `open-existing`",
		],
	},
	{
		number: 5,
		name: "namespaces",
		stops: "Namespaces, in which a process has all capabilities and reaches most of the kernel.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "clone-newuser unshare-newuser"),
			...refused(
				"EPERM",
				"clone-newcgroup clone-newipc clone-newnet clone-newns clone-newpid clone-newuts setns",
				root,
			),
			...refused("ENOSYS", "clone3 clone3-newuser"),
			...open("fork thread"),
		],
	},
	{
		number: 6,
		name: "requests to files",
		stops: "Flags, encryption and fs-verity of files that are open for reading. So `chattr +a` holds.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "set-flags set-extended-flags"),
			...refused("EPERM", "enable-verity set-encryption-policy", {
				unguarded: ["EOPNOTSUPP", "ENOTTY", "EINVAL", "0"],
			}),
			...refused("EPERM", "take-lease"),
			...refused("EPERM", "set-version set-fat-attributes", { unguarded: ["ENOTTY", "EOPNOTSUPP", "EINVAL", "0"] }),
			...open("get-flags get-extended-flags map-extents"),
			...open("measure-verity", { unguarded: ["0", "EOPNOTSUPP", "ENOTTY", "ENODATA"] }),
		],
	},
	{
		number: 6,
		name: "requests to terminals",
		stops: "Typing for the shell behind the terminal, and line disciplines.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "type-character type-character-high-bits type-selection", { unguarded: ["ENOTTY"] }),
			...refused("EPERM", "set-line-discipline", { unguarded: ["ENOTTY"] }),
			...refused("EPERM", "keyboard userfaultfd-device", { unguarded: ["0", "ENOTTY"] }),
			...open("pipe-bytes"),
		],
		also: ["terminal-line-discipline", "terminal-type-character"],
	},
	{
		number: 6,
		name: "devices",
		stops: "Requests to devices other than the terminal.",
		linux: "6.10",
		probes: refused("EACCES", "random-device"),
	},
	{
		number: 7,
		name: "capabilities",
		stops: "Root's rights over devices, networks, modules, clocks and the kernel's log.",
		linux: "5.9",
		probes: [
			...refused("EPERM", "capabilities-permitted capabilities-effective", root),
			...refused("EPERM", "capabilities-bounding", { only: "root" }),
			...refused("EPERM", "kernel-log-level", { unguarded: ["EINVAL"], ...root }),
			...refused("EACCES", "priority", { user: "EACCES" }),
		],
	},
	{
		number: 7,
		name: "clocks",
		stops: "Setting the time, with which expiry is judged.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "clock-settime settimeofday", { unguarded: ["EINVAL"] }),
			...refused("EPERM", "adjtimex clock-adjtime"),
		],
	},
	{
		number: 7,
		name: "the whole system",
		stops: "Quotas, watching all files, names of the host, and system calls by way of io_uring.",
		linux: "4.14",
		probes: [
			...refused("EPERM", "quotactl-fd fanotify io-uring-setup"),
			...refused("EPERM", "fanotify-content sethostname setdomainname", root),
			...refused("EPERM", "io-uring-enter", { unguarded: ["EBADF"] }),
			...refused("EPERM", "io-uring-register", { unguarded: ["EINVAL", "EBADF"] }),
		],
	},
	{
		number: 9,
		name: "writable code",
		stops: "Machine code from memory that was writable. CPython only, because Node.js compiles JavaScript.",
		linux: "6.3",
		probes: [
			...refused("EACCES", "map-writable-code mprotect-to-code pkey-mprotect-to-code", { only: "python" }),
			...refused("EPERM", "map-code map-code-twice", { only: "python" }),
			...open("map-written-file map-shared-file"),
		],
	},
	{
		number: 9,
		name: "shared code",
		stops: "Executable shared memory of System V.",
		linux: "4.14",
		probes: [...refused("EPERM", "attach-executable"), ...open("attach-shared")],
	},
	{
		number: 10,
		name: "limits of the process",
		stops: "Core files, and the program that `core_pattern` names. A limit of file sizes, which would stop the events.",
		linux: "5.9",
		probes: [
			...refused("EPERM", "core-limit file-size-limit file-size-limit-prlimit64"),
			...refused("ECANCELED", "lower-core-limit lower-core-limit-prlimit64"),
			...open("other-limit"),
		],
		also: ["crash"],
	},
];

/** The protection by the policy's `launch.network`. These probes need lists of ports. */
export const NETWORK: Protection = {
	number: 2,
	name: "TCP ports",
	stops:
		"TCP ports outside of the policy's `launch.network`. MPTCP, SMC, SCTP, raw sockets, and MSG_FASTOPEN then too.",
	linux: "6.7",
	probes: [
		...refused("EACCES", "tcp-connect tcp-connect-mapped tcp-bind fast-open-connect"),
		...refused("EPERM", "fast-open-sendto fast-open-sendmsg fast-open-sendmmsg"),
		...refused("EPERM", "mptcp mptcp-listed", { unguarded: ["0", "EPROTONOSUPPORT"] }),
		...refused("EPERM", "sctp smc smc-protocol", {
			unguarded: ["0", "EPROTONOSUPPORT", "EAFNOSUPPORT", "ESOCKTNOSUPPORT"],
		}),
		...refused("EPERM", "smc-upper-protocol", { unguarded: ["0", "ENOENT"] }),
		...refused("EPERM", "raw-socket packet-socket", root),
		...open("tcp-connect-listed tcp-bind-listed udp tcp-listen-unbound"),
	],
};
