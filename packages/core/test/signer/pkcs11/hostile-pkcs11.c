/*
 * A PKCS#11 module for tests that answers nothing truthfully. Environment variables control it:
 *
 *   HOSTILE_VERSION  is the version of its list, such as "3.0". "none" returns no list.
 * Default 2.40. HOSTILE_LACKS    is the index of a function whose pointer is NULL, in the order of
 * the list. HOSTILE_LENGTH   is the length that it tells for every result: a number, or "offered",
 * or "offered+1". Without it each result is empty. HOSTILE_RESULT   is the value that every
 * function but C_GetFunctionList returns. Default 0. HOSTILE_LOAD     is the value that
 * C_GetFunctionList returns. Default 0. HOSTILE_SEED     makes results and lengths random, and lets
 * the module write as much as it was offered. HOSTILE_PIN      is the path of a file that gets the
 * address and length of the last PIN.
 *
 * The program that uses it may build it with AddressSanitizer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long ulong_t;
typedef ulong_t (*function_t)();

struct functions {
	unsigned char version[2];
	function_t at[68];
};
struct attribute {
	ulong_t type;
	void *value;
	ulong_t bytes;
};
enum {
	INITIALIZE = 0,
	FINALIZE = 1,
	SLOT_LIST = 4,
	TOKEN_INFO = 6,
	OPEN_SESSION = 12,
	CLOSE_SESSION = 13,
	LOGIN = 18,
	GET_ATTRIBUTE = 24,
	FIND_INIT = 26,
	FIND = 27,
	FIND_FINAL = 28,
	SIGN_INIT = 42,
	SIGN = 43
};
enum { TOKEN_INFO_BYTES = 208 };

static ulong_t state;

static struct {
	const volatile char *address;
	ulong_t bytes;
	char copy[1024];
} pin;

static ulong_t number(const char *name, ulong_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoul(text, NULL, 0) : otherwise;
}

/* A generator after Knuth, so that a seed always has the same course. */
static ulong_t random_number(void)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return state >> 33;
}

static int is_random(void)
{
	return state != 0;
}

static ulong_t result(void)
{
	if (!is_random())
		return number("HOSTILE_RESULT", 0);
	const ulong_t results[] = {0, 0, 0, 0, 0, 0x5, 0xa0, 0x150, 0x1234, 0x80000001, ~0UL};
	return results[random_number() % (sizeof results / sizeof *results)];
}

static ulong_t told(ulong_t offered)
{
	if (is_random()) {
		const ulong_t lengths[] = {
			0, 1, 7, offered / 2, offered - 1, offered, offered + 1, 1UL << 31, 1UL << 32, ~0UL};
		return lengths[random_number() % (sizeof lengths / sizeof *lengths)];
	}
	const char *text = getenv("HOSTILE_LENGTH");
	if (text && !strcmp(text, "offered"))
		return offered;
	if (text && !strcmp(text, "offered+1"))
		return offered + 1;
	return number("HOSTILE_LENGTH", 0);
}

/* Writes to all the room that was offered, or to none of it. */
static void fill(void *room, ulong_t bytes)
{
	if (is_random() && random_number() % 2)
		memset(room, (int)random_number(), bytes);
}

static ulong_t answer(void)
{
	return result();
}

static ulong_t slot_list(int present, ulong_t *slots, ulong_t *count)
{
	(void)present;
	if (slots)
		fill(slots, *count * sizeof *slots);
	*count = told(*count);
	return result();
}

static ulong_t token_info(ulong_t slot, unsigned char *info)
{
	(void)slot;
	memset(info, is_random() ? (int)random_number() : 0xff, TOKEN_INFO_BYTES);
	return result();
}

static ulong_t open_session(
	ulong_t slot, ulong_t flags, void *application, void *notify, ulong_t *session)
{
	(void)slot, (void)flags, (void)application, (void)notify;
	fill(session, sizeof *session);
	return result();
}

static ulong_t login(ulong_t session, ulong_t user, const char *given, ulong_t bytes)
{
	(void)session, (void)user;
	const char *path = getenv("HOSTILE_PIN");
	FILE *file = path ? fopen(path, "w") : NULL;
	if (file) {
		pin.address = given;
		pin.bytes = bytes < sizeof pin.copy ? bytes : sizeof pin.copy;
		memcpy(pin.copy, given, pin.bytes);
		fprintf(file, "%.*s\n", (int)bytes, given);
		fclose(file);
	}
	return result();
}

static ulong_t close_session(ulong_t session)
{
	(void)session;
	const char *path = getenv("HOSTILE_PIN");
	FILE *file = path ? fopen(path, "a") : NULL;
	if (file) {
		int left = 0;
		for (ulong_t i = 0; i < pin.bytes; i++)
			left += pin.address[i] == pin.copy[i];
		fprintf(file, "%d\n", left);
		fclose(file);
	}
	return result();
}

static ulong_t get_attribute(
	ulong_t session, ulong_t object, struct attribute *template, ulong_t count)
{
	(void)session, (void)object;
	for (ulong_t i = 0; i < count; i++) {
		fill(template[i].value, template[i].bytes);
		template[i].bytes = told(template[i].bytes);
	}
	return result();
}

static ulong_t find(ulong_t session, ulong_t *objects, ulong_t most, ulong_t *count)
{
	(void)session;
	fill(objects, most * sizeof *objects);
	*count = told(most);
	return result();
}

static ulong_t sign(
	ulong_t session, const unsigned char *data, ulong_t bytes, void *signature, ulong_t *length)
{
	(void)session;
	ulong_t sum = 0;
	for (ulong_t i = 0; i < bytes; i++)
		sum += data[i];
	fill(signature, *length);
	*length = told(*length);
	return sum == ~0UL ? 1 : result();
}

ulong_t C_GetFunctionList(struct functions **list)
{
	static struct functions functions;
	state = getenv("HOSTILE_SEED") ? 2 * number("HOSTILE_SEED", 0) + 1 : 0;
	const char *version = getenv("HOSTILE_VERSION");
	if (version && !strcmp(version, "none")) {
		*list = NULL;
		return 0;
	}
	int major = 2, minor = 40;
	if (version)
		sscanf(version, "%d.%d", &major, &minor);
	functions.version[0] = (unsigned char)major;
	functions.version[1] = (unsigned char)minor;
	for (size_t i = 0; i < sizeof functions.at / sizeof *functions.at; i++)
		functions.at[i] = answer;
	functions.at[SLOT_LIST] = slot_list;
	functions.at[TOKEN_INFO] = token_info;
	functions.at[OPEN_SESSION] = open_session;
	functions.at[LOGIN] = login;
	functions.at[CLOSE_SESSION] = close_session;
	functions.at[GET_ATTRIBUTE] = get_attribute;
	functions.at[FIND] = find;
	functions.at[SIGN] = sign;
	if (getenv("HOSTILE_LACKS"))
		functions.at[number("HOSTILE_LACKS", 0)] = NULL;
	*list = &functions;
	return number("HOSTILE_LOAD", 0);
}
