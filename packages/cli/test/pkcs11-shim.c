/*
 * A PKCS#11 module for tests that passes calls on to another module. It reports states of tokens
 * that SoftHSM2 never reports, misbehaves as modules can, and logs sessions. Environment variables
 * control it:
 *
 *   SHIM_MODULE  is the path of the other module.
 *   SHIM_LOG     is the path of a file, which gets one line for each event. Optional.
 *   SHIM_PID     is the path of a file, which gets the number of the process. Optional.
 *   SHIM         is the state: locked, locked-flag, locks, final-try, count-low, reader,
 *                one-at-a-time, endless, talk, "untrue find" or "untrue sign"; or one of the
 * misdeeds below and a place, such as "hang sign". The places are load, initialize, find, login,
 * sign and finalize. Optional.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef ulong_t (*function_t)();

/* CK_FUNCTION_LIST begins with a version. Pointers follow, in the order of PKCS#11 v2.40, section
 * 5. */
struct functions {
	unsigned char version[2];
	function_t at[68];
};
enum {
	INITIALIZE = 0,
	FINALIZE = 1,
	TOKEN_INFO = 6,
	OPEN_SESSION = 12,
	CLOSE_SESSION = 13,
	LOGIN = 18,
	FIND_OBJECTS = 27,
	SIGN = 43
};

/* These are the offset in bytes of the flags in CK_TOKEN_INFO, and some of the flags. */
enum {
	FLAGS_AT = 96,
	CKF_PROTECTED_PATH = 0x100,
	CKF_COUNT_LOW = 0x10000,
	CKF_FINAL_TRY = 0x20000,
	CKF_LOCKED = 0x40000
};
enum { CKR_GENERAL_ERROR = 0x5, CKR_PIN_LOCKED = 0xa4 };
enum { CKU_CONTEXT_SPECIFIC = 2 };

/* The process that loads the module sends its answers to sigtool on this descriptor. */
enum { LINES = 3 };

static struct functions shim;
static struct functions *real;
static int has_refused;

static int is(const char *state)
{
	const char *chosen = getenv("SHIM");
	return chosen && !strcmp(chosen, state);
}

static void note(const char *event)
{
	const char *path = getenv("SHIM_LOG");
	FILE *log = path ? fopen(path, "a") : NULL;
	if (!log)
		return;
	fprintf(log, "%s\n", event);
	fclose(log);
}

static void write_pid(void)
{
	const char *path = getenv("SHIM_PID");
	FILE *file = path ? fopen(path, "w") : NULL;
	if (!file)
		return;
	fprintf(file, "%d\n", (int)getpid());
	fclose(file);
}

static void hang(void)
{
	write_pid();
	note("hang");
	for (;;)
		pause();
}

static void exit_with_success(void)
{
	exit(0);
}

static void leave(void)
{
	_exit(0);
}

static void crash(void)
{
	raise(SIGSEGV);
}

static void stop(void)
{
	raise(SIGSTOP);
}

static void speak(const char *line)
{
	if (write(LINES, line, strlen(line)) < 0)
		abort();
}

/* Writes an answer to sigtool before the function of the real module is called. The answer says
 * success, with three zero bytes as the signature. */
static void forge(void)
{
	speak("{\"value\":\"AAAA\"}\n");
}

static void babble(void)
{
	speak("[[[[\n");
	hang();
}

static void flood(void)
{
	for (;;)
		speak("a long answer that does not come to an end ");
}

static void hang_up(void)
{
	close(LINES);
	hang();
}

static const struct {
	const char *name;
	void (*run)(void);
} misdeeds[] = {
	{"hang", hang},
	{"exit", exit_with_success},
	{"_exit", leave},
	{"abort", abort},
	{"crash", crash},
	{"stop", stop},
	{"forge", forge},
	{"babble", babble},
	{"flood", flood},
	{"hang-up", hang_up},
};

/* Misbehaves if SHIM names this place and a misdeed. */
static void arrive(const char *place)
{
	if (is("talk")) {
		printf("%s\n", place);
		fprintf(stderr, "%s\n", place);
		fflush(NULL);
	}
	for (size_t i = 0; i < sizeof misdeeds / sizeof *misdeeds; i++) {
		char state[64];
		snprintf(state, sizeof state, "%s %s", misdeeds[i].name, place);
		if (is(state))
			misdeeds[i].run();
	}
}

static ulong_t initialize(void *arguments)
{
	arrive("initialize");
	write_pid();
	return real->at[INITIALIZE](arguments);
}

static ulong_t find_objects(ulong_t session, ulong_t *objects, ulong_t most, ulong_t *count)
{
	static ulong_t first;
	arrive("find");
	if (is("one-at-a-time") || is("endless"))
		most = 1;
	const ulong_t result = real->at[FIND_OBJECTS](session, objects, most, count);
	if (is("endless") && !result) {
		if (*count)
			first = *objects;
		*objects = first;
		*count = 1;
	}
	if (is("untrue find"))
		*count = most + 1;
	return result;
}

static ulong_t sign(
	ulong_t session, void *data, ulong_t length, void *signature, ulong_t *signature_length)
{
	arrive("sign");
	const ulong_t result = real->at[SIGN](session, data, length, signature, signature_length);
	if (is("untrue sign"))
		*signature_length = ~0UL;
	return result;
}

static ulong_t finalize(void *reserved)
{
	note("finalize");
	arrive("finalize");
	return real->at[FINALIZE](reserved);
}

static ulong_t token_info(ulong_t slot, unsigned char *info)
{
	const ulong_t result = real->at[TOKEN_INFO](slot, info);
	ulong_t flags;
	memcpy(&flags, info + FLAGS_AT, sizeof flags);
	if (is("locked-flag"))
		flags |= CKF_LOCKED;
	if (is("final-try"))
		flags |= CKF_FINAL_TRY;
	if (is("count-low"))
		flags |= CKF_COUNT_LOW;
	if (is("locks") && has_refused)
		flags |= CKF_LOCKED;
	if (is("reader"))
		flags |= CKF_PROTECTED_PATH;
	memcpy(info + FLAGS_AT, &flags, sizeof flags);
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
	note(user == CKU_CONTEXT_SPECIFIC ? "login for one signature" : "login");
	arrive("login");
	if (is("locked"))
		return CKR_PIN_LOCKED;
	const ulong_t result = real->at[LOGIN](session, user, pin, length);
	has_refused = result != 0;
	return result;
}

ulong_t C_GetFunctionList(struct functions **list)
{
	arrive("load");
	void *module = dlopen(getenv("SHIM_MODULE"), RTLD_NOW);
	if (!module)
		return CKR_GENERAL_ERROR;
	function_t get = (function_t)dlsym(module, "C_GetFunctionList");
	if (!get)
		return CKR_GENERAL_ERROR;
	const ulong_t result = get(&real);
	if (result)
		return CKR_GENERAL_ERROR;
	shim = *real;
	shim.at[INITIALIZE] = initialize;
	shim.at[FINALIZE] = finalize;
	shim.at[TOKEN_INFO] = token_info;
	shim.at[OPEN_SESSION] = open_session;
	shim.at[CLOSE_SESSION] = close_session;
	shim.at[LOGIN] = login;
	shim.at[FIND_OBJECTS] = find_objects;
	shim.at[SIGN] = sign;
	*list = &shim;
	return 0;
}
