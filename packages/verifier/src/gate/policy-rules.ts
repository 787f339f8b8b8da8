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

const RULES = {
	// No prototype, because the name of an event may be a text that somebody else wrote.
	__proto__: null,
	"child_process.spawn": CHILDREN,
	"child_process.spawn_sync": CHILDREN,
	"code.string": STRINGS,
	"module.compile": STRINGS,
	"module.dlopen": memberRule("runtime.addons"),
	"process.execve": CHILDREN,
	"python.import": memberRule("python.extensions"),
	"python.os.exec": CHILDREN,
	"python.os.fork": CHILDREN,
	"python.os.posix_spawn": CHILDREN,
	"python.os.system": CHILDREN,
	"python.subprocess.Popen": CHILDREN,
	"python.sys.addaudithook": fixedInStrict("python.auditHooks"),
	"vm.compile": STRINGS,
	"wasm.compile": {
		...memberRule("runtime.webAssembly"),
		mend: "add its digest to runtime.webAssemblySha256 of the policy",
	},
	"worker.spawn": memberRule("runtime.workers"),
} as unknown as Readonly<Record<string, PolicyRule | undefined>>;

type Children = "refuse" | "audit" | "allow" | "exit";

/**
 * Returns the ruling on a child process. `children` is `runtime.children` of the policy. A refused child throws, because
 * nothing unverified runs after it, and many libraries try one and catch the error. Only the policy makes it end the
 * process.
 */
export function rulingOfChildren(children: Children): "throw" | Exclude<Children, "refuse"> {
	return children === "refuse" ? "throw" : children;
}

export function policyRuleOf(event: string): PolicyRule | undefined {
	return RULES[event];
}

/** Says which rule refuses the action of an event, and how to allow the action. */
export function refusingRule(event: string, mode: Mode): string {
	const rule = policyRuleOf(event);
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
