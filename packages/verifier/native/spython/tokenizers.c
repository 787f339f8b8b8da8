/* Takes from SQLite a function that calls any address.
 *
 * `SELECT fts3_tokenizer('name', ?)` takes the address of a table of functions from eight bytes
 * that the program binds, and a full-text table calls them. For bound bytes SQLite allows this
 * always: SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER is only for bytes in the text. So on each
 * connection that is opened, a function that refuses takes the place of SQLite's. A program can
 * replace or remove that, too, but nothing brings SQLite's own back.
 *
 * Holds for every SQLite that is a library of its own, as that of the module `sqlite3` mostly is.
 * One that is linked into an extension module opens connections by itself. */
#include "../trust/trust.h"
#include "calls.h"

/* These are SQLITE_ERROR, SQLITE_MISUSE, SQLITE_UTF8 and SQLITE_DIRECTONLY of sqlite3.h. */
enum { FAILED = 1, MISUSED = 21, UTF8 = 1, DIRECT_ONLY = 0x80000 };

struct sqlite3;
struct sqlite3_context;
typedef void run_function(struct sqlite3_context *context, int count, void **values);
typedef int create_function(struct sqlite3 *database, const char *name, int arguments, int encoding,
	void *own, run_function *run, void *step, void *end);
typedef void result_error(struct sqlite3_context *context, const char *text, int length);
typedef int close_database(struct sqlite3 *database);
typedef int open_by_name(const void *name, struct sqlite3 **database);
typedef int open_by_flags(
	const char *name, struct sqlite3 **database, int flags, const char *system);

/* Takes the place of SQLite's function, and fails. SQLite calls it. */
static void refuse_tokenizer(struct sqlite3_context *context, int count, void **values)
{
	static const char WHY[] = "a tokenizer by its address could call anything (ERR_RUNTIME_RULE)";
	(void)count;
	(void)values;
	is_call_refused("sqlite3.fts3_tokenizer", "fts3_tokenizer", WHY);
	result_error *fail_with = (result_error *)find_function_for(
		__builtin_return_address(0), "sqlite3_result_error", NULL);
	if (fail_with == NULL)
		fail(REFUSED, NULL, "Cannot go on: %s", WHY);
	fail_with(context, WHY, -1);
}

/* Takes the function from a new connection. Closes the connection if that fails. Returns the result
 * of opening it. */
static int without_tokenizer(int result, void *caller, struct sqlite3 **database)
{
	if (result != 0 || rules.mode < MODE_ENFORCE)
		return result;
	create_function *create =
		(create_function *)find_function_for(caller, "sqlite3_create_function", NULL);
	bool is_taken = create != NULL;
	for (int arguments = 1; is_taken && arguments <= 2; arguments++)
		is_taken = create(*database, "fts3_tokenizer", arguments, UTF8 | DIRECT_ONLY, NULL,
					   refuse_tokenizer, NULL, NULL) == 0;
	if (is_taken)
		return result;
	close_database *close = (close_database *)find_function_for(caller, "sqlite3_close", NULL);
	if (close != NULL)
		close(*database);
	*database = NULL;
	return FAILED;
}

int sqlite3_open(const char *name, struct sqlite3 **database);
int sqlite3_open16(const void *name, struct sqlite3 **database);
int sqlite3_open_v2(const char *name, struct sqlite3 **database, int flags, const char *system);

REPLACES int sqlite3_open(const char *name, struct sqlite3 **database)
{
	void *caller = __builtin_return_address(0);
	open_by_name *next = (open_by_name *)find_function_for(caller, "sqlite3_open", sqlite3_open);
	if (next == NULL)
		return MISUSED;
	return without_tokenizer(next(name, database), caller, database);
}

REPLACES int sqlite3_open16(const void *name, struct sqlite3 **database)
{
	void *caller = __builtin_return_address(0);
	open_by_name *next =
		(open_by_name *)find_function_for(caller, "sqlite3_open16", sqlite3_open16);
	if (next == NULL)
		return MISUSED;
	return without_tokenizer(next(name, database), caller, database);
}

REPLACES int sqlite3_open_v2(
	const char *name, struct sqlite3 **database, int flags, const char *system)
{
	void *caller = __builtin_return_address(0);
	open_by_flags *next =
		(open_by_flags *)find_function_for(caller, "sqlite3_open_v2", sqlite3_open_v2);
	if (next == NULL)
		return MISUSED;
	return without_tokenizer(next(name, database, flags, system), caller, database);
}
