/* Guarantees that the variables in DROPPED do not reach a runtime, even if an attacker set them
 * before the launcher was called. These variables make libc, the dynamic loader, OpenSSL, libraries
 * with plug-ins, Node.js or other interpreters load code or settings. Native code of an application
 * may read other variables, which only the author of the application knows. The option --env-clear
 * drops those variables too. docs/launcher.md lists the same names, and a test compares the two
 * lists. */
#include "environment.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_VARIABLES = 4094 };

extern char **environ;

/* A row is the name of a variable. A row that ends in `*` matches all names that begin like it. */
static const char *const DROPPED[] = {
	/* These variables control Node.js and the programs around it. */
	"NODE_*",
	"SIGTOOL_*",
	"TS_NODE_*",
	"ELECTRON_*",
	/* These variables control the dynamic loader and libc. */
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
	/* These variables control libraries: they load plug-ins or scripts, or write secrets to a
	 * file. */
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
	/* These variables control interpreters and shells. */
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
	NULL,
};

/* These variables pass although a row of DROPPED matches them. */
static const char *const KEPT[] = {"NODE_ENV", NULL};

/* With --env-clear only these variables pass. */
static const char *const BASIC[] = {
	"PATH",
	"HOME",
	"LANG",
	"LC_*",
	"TERM",
	"TZ",
	"USER",
	NULL,
};

/* Returns true if a row of `names` matches the variable, which has the form `NAME=VALUE`. `names`
 * ends with NULL. */
static bool is_named(const char *variable, const char *const *names)
{
	for (const char *const *name = names; *name != NULL; name++) {
		const size_t length = strcspn(*name, "*");
		if (strncmp(variable, *name, length) != 0)
			continue;
		const bool is_prefix = (*name)[length] == '*';
		if (is_prefix || variable[length] == '=')
			return true;
	}
	return false;
}

static bool passes(const char *variable, bool clear)
{
	if (strchr(variable, '=') == NULL)
		return false;
	if (clear)
		return is_named(variable, BASIC);
	return is_named(variable, KEPT) || !is_named(variable, DROPPED);
}

char **clean_environment(int clear, char *const *added)
{
	static char *kept[MAX_VARIABLES + 1];
	size_t count = 0;
	for (char **variable = environ; *variable != NULL; variable++) {
		if (!passes(*variable, clear))
			continue;
		if (count == MAX_VARIABLES)
			return NULL;
		kept[count] = *variable;
		count++;
	}
	for (; added != NULL && *added != NULL; added++) {
		if (count == MAX_VARIABLES)
			return NULL;
		kept[count] = *added;
		count++;
	}
	kept[count] = NULL;
	return kept;
}

void forget_preload(void)
{
	static const char NAME[] = "LD_PRELOAD";
	static const char OPENED[] = "/proc/self/fd/";
	char *value = getenv(NAME);
	if (value == NULL)
		return;
	const char *opened = strstr(value, OPENED);
	if (opened != NULL)
		close(atoi(opened + strlen(OPENED)));
	char *variable = value - strlen(NAME) - 1;
	const size_t length = strlen(variable);
	unsetenv(NAME);
	memset(variable, 0, length);
}
