/*
 * A PKCS#11 module in front of another, for tests: tokens in states that SoftHSM2 does not get
 * into, and a log of sessions.
 *
 * SHIM_MODULE is the module behind it, SHIM_LOG a file for the log, SHIM one of: locked,
 * locked-flag, final-try, reader.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long ulong_t;
typedef ulong_t (*function_t)();

/* CK_FUNCTION_LIST: a version, then pointers in the order of PKCS#11 v2.40 §5. */
struct functions {
	unsigned char version[2];
	function_t at[68];
};
enum { FINALIZE = 1, TOKEN_INFO = 6, OPEN_SESSION = 12, CLOSE_SESSION = 13, LOGIN = 18 };

static struct functions shim, *real;

static int is(const char *mode)
{
	const char *chosen = getenv("SHIM");
	return chosen && !strcmp(chosen, mode);
}

static void note(const char *event)
{
	FILE *log = getenv("SHIM_LOG") ? fopen(getenv("SHIM_LOG"), "a") : NULL;
	if (!log)
		return;
	fprintf(log, "%s\n", event);
	fclose(log);
}

static ulong_t finalize(void *reserved)
{
	note("finalize");
	return real->at[FINALIZE](reserved);
}

static ulong_t token_info(ulong_t slot, unsigned char *info)
{
	ulong_t result = real->at[TOKEN_INFO](slot, info);
	ulong_t flags;

	memcpy(&flags, info + 96, sizeof flags);
	flags |= is("locked-flag") ? 0x40000 : is("final-try") ? 0x20000 : is("reader") ? 0x100 : 0;
	memcpy(info + 96, &flags, sizeof flags);
	return result;
}

static ulong_t open_session(
	ulong_t slot, ulong_t flags, void *application, void *notify, ulong_t *session)
{
	note("open");
	return real->at[OPEN_SESSION](slot, flags, application, notify, session);
}

static ulong_t close_session(ulong_t session)
{
	note("close");
	return real->at[CLOSE_SESSION](session);
}

static ulong_t login(ulong_t session, ulong_t user, char *pin, ulong_t length)
{
	note(user == 2 ? "login for one signature" : "login");
	if (is("locked"))
		return 0xa4; /* CKR_PIN_LOCKED */
	return real->at[LOGIN](session, user, pin, length);
}

ulong_t C_GetFunctionList(struct functions **list)
{
	void *module = dlopen(getenv("SHIM_MODULE"), RTLD_NOW);
	function_t get = module ? (function_t)dlsym(module, "C_GetFunctionList") : NULL;

	if (!get || get(&real))
		return 0x5; /* CKR_GENERAL_ERROR */
	shim = *real;
	shim.at[FINALIZE] = finalize;
	shim.at[TOKEN_INFO] = token_info;
	shim.at[OPEN_SESSION] = open_session;
	shim.at[CLOSE_SESSION] = close_session;
	shim.at[LOGIN] = login;
	*list = &shim;
	return 0;
}
