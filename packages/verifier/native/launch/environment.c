/* Which variables reach the application: not those by which libc, the loader, OpenSSL, Node.js or
 * an interpreter loads code or settings. docs/launcher.md lists them, and a test holds the two
 * against each other. */
#include "../environment.h"
#include <stddef.h>
#include <string.h>

extern char **environ;

/* A name, or with `*` the beginning of names. */
static const char *const DROPPED[] = {"NODE_*", "SIGTOOL_*", "TS_NODE_*", "ELECTRON_*", "LD_*",
	"DYLD_*", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN",
	"LOCPATH", "MALLOC_*", "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR",
	"OPENSSL_*", "SSL_CERT_ENGINE", "SSLKEYLOGFILE", "KRB5_*", "SASL_PATH", "P11_KIT_*", "GIO_*",
	"GTK_*", "GDK_*", "QT_*", "MAGICK_*", "VIPS_*", "TCL*", "TK_LIBRARY", "PYTHON*", "PERL*",
	"RUBY*", "GEM_*", "LUA_*", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_*", "BASH_*", "ENV",
	"CDPATH", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "ZDOTDIR", NULL};
/* What passes though its family does not, and all that passes --env-clear. */
static const char *const KEPT[] = {"NODE_ENV", NULL}, *const BASIC[] = {"PATH", "HOME", "LANG",
														  "LC_*", "TERM", "TZ", "USER", NULL};

static int matches(const char *variable, const char *const *names)
{
	for (size_t length; *names != NULL; names++) {
		length = strcspn(*names, "*");
		if (strncmp(variable, *names, length) == 0 &&
			((*names)[length] == '*' || variable[length] == '='))
			return 1;
	}
	return 0;
}

char **clean_environment(int clear, char *last)
{
	static char *kept[4096];
	size_t count = 0;
	for (char **variable = environ; *variable != NULL; variable++) {
		int passes =
			matches(*variable, clear ? BASIC : KEPT) || (!clear && !matches(*variable, DROPPED));
		if (!passes || strchr(*variable, '=') == NULL)
			continue;
		if (count == sizeof kept / sizeof *kept - 2)
			return NULL;
		kept[count++] = *variable;
	}
	kept[count] = last;
	return kept;
}
