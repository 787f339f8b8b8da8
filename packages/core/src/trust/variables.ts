/**
 * Environment variables that never reach a program under the launcher, by name, or by the beginning of the name and
 * `*`. The table DROPPED in packages/verifier/native/shared/process/environment.c has the same names; a test compares them.
 */
export const NEVER_PASSED = [
	"NODE_*",
	"SIGTOOL_*",
	"TS_NODE_*",
	"ELECTRON_*",
	"LD_*",
	"DYLD_*",
	"GCONV_PATH",
	"GETCONF_DIR",
	"GLIBC_TUNABLES",
	"HOSTALIASES",
	"LOCALDOMAIN",
	"LOCPATH",
	"MALLOC_*",
	"NIS_PATH",
	"NLSPATH",
	"RESOLV_HOST_CONF",
	"RES_OPTIONS",
	"TZDIR",
	"OPENSSL_*",
	"SSL_CERT_ENGINE",
	"SSLKEYLOGFILE",
	"KRB5_*",
	"SASL_PATH",
	"P11_KIT_*",
	"GIO_*",
	"GTK_*",
	"GDK_*",
	"QT_*",
	"MAGICK_*",
	"VIPS_*",
	"TCL*",
	"TK_LIBRARY",
	"PYTHON*",
	"PERL*",
	"RUBY*",
	"GEM_*",
	"LUA_*",
	"JAVA_TOOL_OPTIONS",
	"_JAVA_OPTIONS",
	"JDK_*",
	"BASH_*",
	"ENV",
	"CDPATH",
	"IFS",
	"SHELLOPTS",
	"BASHOPTS",
	"PS4",
	"PROMPT_COMMAND",
	"ZDOTDIR",
] as const;

/** The variable that passes although its name begins like one of `NEVER_PASSED`. */
const KEPT = "NODE_ENV";

/** Matches what a policy may name: a variable, or the beginning of names and `*`, that is not in `NEVER_PASSED`. */
export const VARIABLE_FORM = new RegExp(
	`^(?!${NEVER_PASSED.map(refused).join("|")})(?=[A-Za-z0-9_]{1,128}\\*?$)[A-Za-z_][A-Za-z0-9_]*\\*?$`,
);

function refused(name: string): string {
	if (!name.endsWith("*")) return `${name}$`;
	const beginning = name.slice(0, -1);
	return KEPT.startsWith(beginning) ? `${beginning}(?!${KEPT.slice(beginning.length)}$)` : beginning;
}
