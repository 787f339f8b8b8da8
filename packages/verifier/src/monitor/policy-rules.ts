/** Lists, for each event, the member of the policy that decides about it. No member allows what is not listed. */

import type { Mode } from "@sigtool/core/read";

export interface PolicyRule {
	readonly member: string;
	/** The way to allow the action. Messages show this text behind "to allow it, ". */
	readonly mend: string;
	/** True if mode strict refuses the action whatever the policy says. */
	readonly isFixedInStrict: boolean;
}

const CHILDREN = {
	...fixedInStrict("runtime.children"),
	mend: "set runtime.children in the policy, compile again, and start without the launcher, which allows no child",
};
const STRINGS = fixedInStrict("runtime.stringCode");
const PYTHON_CODE = {
	...memberRule("python.stringCode"),
	mend: "name the module that makes the code, which the started script is not, in python.stringCodeFrom of the policy, with stringCode signed, and compile again; then whoever gives text to that module runs it",
};
/** No module that makes such code can be named. */
const UNSEEN_CODE = {
	...fixedInStrict("python.stringCode"),
	mend: "set python.stringCode to audit in the policy and compile again; mode strict refuses it all the same",
};

const RULES = {
	// No prototype, because the name of an event may be a text that somebody else wrote.
	__proto__: null,
	"child_process.spawn": CHILDREN,
	"child_process.spawn_sync": CHILDREN,
	"code.string": STRINGS,
	"module.compile": STRINGS,
	"module.dlopen": memberRule("runtime.addons"),
	"module.register": {
		...memberRule("runtime.moduleHooks"),
		mend: "set runtime.moduleHooks to signed in the policy and compile again",
	},
	"process.execve": CHILDREN,
	"python.code.__new__": PYTHON_CODE,
	"python.compile": PYTHON_CODE,
	"python.exec": UNSEEN_CODE,
	"python.function.__new__": UNSEEN_CODE,
	"python.import": memberRule("python.extensions"),
	"python.marshal.loads": UNSEEN_CODE,
	"python.mmap": memberRule("launch.writableCode"),
	"python.object.__setattr__": UNSEEN_CODE,
	"python.os.exec": CHILDREN,
	"python.os.posix_spawn": CHILDREN,
	"python.os.system": CHILDREN,
	"python.pty.spawn": CHILDREN,
	"python.subprocess.Popen": CHILDREN,
	"python.sys.addaudithook": fixedInStrict("python.auditHooks"),
	"vm.compile": STRINGS,
	"wasm.compile": {
		...memberRule("runtime.webAssembly"),
		mend: "add its digest to runtime.webAssemblySha256 of the policy",
	},
	"worker.spawn": memberRule("runtime.workers"),
} as unknown as Readonly<Record<string, PolicyRule | undefined>>;

/**
 * Lists the events whose arguments, or messages, decide which member rules on them. The first line whose pattern fits
 * counts.
 */
const RULES_BY_DETAIL: readonly (readonly [event: string, detail: RegExp, rule: PolicyRule])[] = [
	["python.import", /^multiprocessing\.popen_(spawn_posix|forkserver), None|\(policy: runtime\.children\)/, CHILDREN],
	["python.import", /^([^,]*\.)?_testinternalcapi, \/|\(policy: python\.stringCode\)/, UNSEEN_CODE],
	// Strict refuses a name without a slash, whatever the policy says.
	["python.ctypes.dlopen", /^(?!Cannot go on with ).*\/|python\.extensions: refuse/, memberRule("python.extensions")],
];

type Children = "refuse" | "audit" | "allow" | "exit";

/**
 * Returns the ruling on a child process. `children` is `runtime.children` of the policy. A refused child throws, because
 * nothing unverified runs after it, and many libraries try one and catch the error. Only the policy makes it end the
 * process.
 */
export function rulingOfChildren(children: Children): "throw" | "record" | "allow" | "exit" {
	if (children === "audit") return "record";
	return children === "refuse" ? "throw" : children;
}

/** Returns the rule on an event. `detail` has the arguments of an event of CPython, or the message of its refusal. */
export function policyRuleOf(event: string, detail?: unknown): PolicyRule | undefined {
	const text = typeof detail === "string" ? detail : "";
	const byDetail = RULES_BY_DETAIL.find(([name, pattern]) => name === event && pattern.test(text));
	return byDetail?.[2] ?? RULES[event];
}

/** Says which rule refuses the action of an event, and how to allow the action. */
export function refusingRule(event: string, mode: Mode): string {
	const rule = RULES[event];
	if (rule === undefined) return "the policy refuses it";
	if (mode === "strict" && rule.isFixedInStrict) return "mode strict refuses it, whatever the policy says";
	return `the policy refuses it; to allow it, ${rule.mend}`;
}

function memberRule(member: string): PolicyRule {
	return { member, mend: `set ${member} in the policy and compile again`, isFixedInStrict: false };
}

function fixedInStrict(member: string): PolicyRule {
	return { ...memberRule(member), isFixedInStrict: true };
}
