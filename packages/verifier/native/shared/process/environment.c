/* Guarantees that the variables in DROPPED do not reach a runtime, even if an attacker set them
 * before the launcher was called. These variables make libc, the dynamic loader, OpenSSL, libraries
 * with plug-ins, Node.js or other interpreters load code or settings. Native code of an application
 * may read other variables, which nobody can list: in mode strict, and with the option --env-clear,
 * only variables that are listed pass. docs/reference/launcher.md lists the same names, and a test
 * compares the lists. packages/core/src/trust/variables.ts has the names of DROPPED too. */
#include "environment.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_VARIABLES = 4094, LONGEST_NAME = 128 };

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

/* In mode strict these variables pass, and those that the policy names. They hold names, numbers,
 * and directories or sockets that a program opens itself. LISTEN_FDS of systemd is not among them,
 * because the launcher closes these descriptors. */
static const char *const LISTED[] = {
	/* These describe the user, the place and the terminal. */
	"PATH",
	"HOME",
	"USER",
	"LOGNAME",
	"SHELL",
	"PWD",
	"LANG",
	"LANGUAGE",
	"LC_*",
	"TZ",
	"TMPDIR",
	"TMP",
	"TEMP",
	"TERM",
	"COLORTERM",
	"COLUMNS",
	"LINES",
	"NO_COLOR",
	"FORCE_COLOR",
	"XDG_RUNTIME_DIR",
	"XDG_CACHE_HOME",
	"XDG_CONFIG_HOME",
	"XDG_DATA_HOME",
	"XDG_STATE_HOME",
	/* These come from systemd. */
	"NOTIFY_SOCKET",
	"WATCHDOG_PID",
	"WATCHDOG_USEC",
	"INVOCATION_ID",
	"JOURNAL_STREAM",
	"SYSTEMD_EXEC_PID",
	"CREDENTIALS_DIRECTORY",
	"RUNTIME_DIRECTORY",
	"STATE_DIRECTORY",
	"CACHE_DIRECTORY",
	"LOGS_DIRECTORY",
	"CONFIGURATION_DIRECTORY",
	"MEMORY_PRESSURE_WATCH",
	"MEMORY_PRESSURE_WRITE",
	/* These tell a service where it is, and how to reach others. */
	"PORT",
	"HOST",
	"HOSTNAME",
	"NODE_ENV",
	"KUBERNETES_SERVICE_*",
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"NO_PROXY",
	"http_proxy",
	"https_proxy",
	"no_proxy",
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	/* These are numbers of threads and processes. */
	"UV_THREADPOOL_SIZE",
	"WEB_CONCURRENCY",
	"OMP_NUM_THREADS",
	"OPENBLAS_NUM_THREADS",
	"MKL_NUM_THREADS",
	NULL,
};

/* Values of these variables with a `/` make libc, gettext or ncurses read a file of that path. */
static const char *const WORDS[] = {"LANG", "LANGUAGE", "LC_*", "TERM", NULL};

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

/* Returns true if the value leads to a file that libc or gettext would read. `Europe/Berlin` of TZ
 * does not. */
static bool leads_elsewhere(const char *variable)
{
	static const char *const ZONE[] = {"TZ", NULL};
	const char *value = strchr(variable, '=') + 1;
	if (is_named(variable, WORDS))
		return strchr(value, '/') != NULL;
	return is_named(variable, ZONE) &&
		(*value == '/' || strncmp(value, ":/", 2) == 0 || strstr(value, "..") != NULL);
}

static bool passes(const char *variable, const struct passing *passing)
{
	if (strchr(variable, '=') == NULL)
		return false;
	if (passing->only == ONLY_BASIC)
		return is_named(variable, BASIC);
	if (is_named(variable, DROPPED) && !is_named(variable, KEPT))
		return false;
	if (passing->only == ALL_HARMLESS)
		return true;
	if (leads_elsewhere(variable))
		return false;
	return is_named(variable, LISTED) ||
		(passing->named != NULL && is_named(variable, passing->named));
}

char **clean_environment(const struct passing *passing, char *const *added)
{
	static char *kept[MAX_VARIABLES + 1];
	size_t count = 0;
	for (char **variable = environ; *variable != NULL; variable++) {
		if (!passes(*variable, passing))
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

size_t name_stopped(const struct passing *passing, char *text, size_t room)
{
	size_t count = 0;
	size_t length = 0;
	*text = '\0';
	for (char **variable = environ; *variable != NULL; variable++) {
		if (passes(*variable, passing))
			continue;
		count++;
		const size_t name = strcspn(*variable, "=");
		const char *separator = length == 0 ? "" : ", ";
		if (length + strlen(separator) + name >= room)
			continue;
		length += (size_t)snprintf(
			text + length, room - length, "%s%.*s", separator, (int)name, *variable);
	}
	/* A name could forge a line or confuse a terminal. */
	for (char *c = text; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	return count;
}

bool is_variable(const char *text)
{
	static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char OTHERS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	const size_t length = strspn(text, OTHERS);
	const char *end = text + length;
	const bool is_beginning = *end == '*' && end[1] == '\0';
	if (*text == '\0' || strchr(LETTERS, *text) == NULL)
		return false;
	if ((*end != '\0' && !is_beginning) || length > LONGEST_NAME)
		return false;
	char variable[LONGEST_NAME + 2];
	snprintf(variable, sizeof variable, "%.*s%s", (int)length, text, is_beginning ? "" : "=");
	return is_named(variable, KEPT) || !is_named(variable, DROPPED);
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
