/* Judges each source that V8 is about to compile, by its content: scripts, modules, and functions
 * that come as parameters and a body.
 *
 * The hook in JavaScript has judged the same text before, with its path. If it refused, nothing
 * comes here. So a text that no signature names was brought by a program that went round the hook.
 * Only text that the policy lets pass (`stringCode`) comes here without a signature. */
#include "gate.h"
#include "verified-texts.h"
#include <string.h>

/* Puts a text that nobody can change later in the place of the string, but in mode audit leaves the
 * string. Returns its length in bytes and its digest. */
static size_t settle_text(const void **string, uint8_t digest[SHA256_BYTES])
{
	const struct verified_text *verified = verified_text_of(*string);
	if (verified == NULL) {
		if (!is_only_reporting())
			*string = keep_text_or_end(*string);
		return digest_text(*string, digest);
	}
	memcpy(digest, verified->digest, SHA256_BYTES);
	return verified->size;
}

static int value_of_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* Turns a file URL into its path, in place, without a query and a fragment. Leaves any other text
 * as it is. */
static void decode_file_url(char *text)
{
	static const char SCHEME[] = "file://";
	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return;
	const char *from = text + strlen(SCHEME);
	char *to = text;
	while (*from != '\0' && *from != '?' && *from != '#') {
		const int high = *from == '%' ? value_of_digit(from[1]) : -1;
		const int low = high >= 0 ? value_of_digit(from[2]) : -1;
		*to++ = low >= 0 ? (char)(high * 16 + low) : *from;
		from += low >= 0 ? 3 : 1;
	}
	*to = '\0';
}

/* Returns the path that Node.js gave the text, which the program may have made up. free_copy() it.
 * Returns NULL if there is none, or if it is longer than the URL of any path. */
static char *path_of(const struct source *source)
{
	enum { LONGEST_URL = 3 * PATH_MAX + 1024 };
	const void *given = source->resource_name;
	if (given == NULL || !is_string(given) || string_length(given) > LONGEST_URL)
		return NULL;
	struct text name = copy_text_or_end(given);
	decode_file_url(name.bytes);
	return name.bytes;
}

/* Looks for two sources of Node.js itself. That of node:sqlite is compiled when the program first
 * asks for the module. The other is for tests of Node.js: with it, a worker with --expose-internals
 * would get the internals below all modules, such as SQLite without node:sqlite. */
static void prepare_source(const struct source *source)
{
	if (is_only_reporting())
		return;
	char *name = path_of(source);
	if (name != NULL && strcmp(name, "node:sqlite") == 0)
		prepare_sqlite();
	if (name != NULL && strcmp(name, "node:internal/test/binding") == 0)
		end_intrusion(&(struct finding){.kind = "internal binding", .path = name});
	free_copy(name);
}

/* Makes V8 compile the text in place of bytecode that the gate does not know. */
static void drop_cached_data(struct source *source)
{
	struct cached_data *cached = source->cached;
	if (is_only_reporting() || cached == NULL)
		return;
	/* V8 takes a length of 2 GiB and more, which is negative here, for one without a sign. */
	if (!is_own_memory(cached->data, (uint32_t)cached->length))
		cached->length = 0;
}

/* Applies the policy's rule about text (`stringCode`) to a text that no signature names. Ends the
 * process if the rule does not let the text pass. */
static void apply_rule(const struct finding *finding)
{
	struct finding told = *finding;
	told.detail = NULL; /* it says how to mend a refusal */
	if (rules.string_code == STRING_CODE_ALLOW)
		return;
	if (rules.string_code != STRING_CODE_AUDIT)
		report_or_end(finding);
	else if (is_new(finding->digest))
		tell("code.string", RECORD, &told, NULL);
}

/* The forms of a source. CommonJS may come from a program that makes text of signed files, as those
 * do which compile or instrument their modules. A module may only if the policy admits hooks. */
enum form { MADE_TEXT, COMMONJS, MODULE };

static bool is_of_file(enum form form, const char *path)
{
	const bool may_be_made = form == COMMONJS || rules.has_module_hooks;
	return form != MADE_TEXT && !(may_be_made && may_be_made_for(path));
}

/* Judges a text that no signature names. */
static void judge_unnamed(struct finding *finding, enum form form)
{
	if (is_only_reporting() && is_content_of_file(finding->path, finding->digest))
		return;
	const bool is_denied = is_denied_text(finding->digest);
	if (is_denied)
		finding->detail = "the deny list or a rule of the policy names its content";
	if (is_denied || is_of_file(form, finding->path))
		report_or_end(finding);
	else
		apply_rule(finding);
}

static void judge_source(struct source *source, const char *kind, enum form form)
{
	/* Node.js itself compiles an empty script, which does nothing. */
	const bool is_own = string_length(source->text) == 0 || is_own_source(source->text);
	drop_cached_data(source);
	if (is_own) {
		prepare_source(source);
		return;
	}
	require_index();
	uint8_t digest[SHA256_BYTES];
	const size_t size = settle_text(&source->text, digest);
	/* The first digest chooses the instructions for all others, so this seals that choice too. */
	note_program_begun();
	char *path = path_of(source);
	if (!is_named(path, digest) && !is_typescript_named(source->text, path) &&
		!is_wasm_facade(source->text)) {
		struct finding finding = {kind, path, digest, size, advice_on_typescript(path)};
		judge_unnamed(&finding, form);
	}
	free_copy(path);
}

/* CompileUnboundInternal(isolate, source, ...) */
void judge_script(struct arguments *arguments)
{
	struct source *source = arguments->at[1];
	const bool is_module = (source->options & IS_MODULE) != 0;
	judge_source(source, is_module ? "module" : "script", is_module ? MODULE : MADE_TEXT);
}

/* Returns true if these are the parameters that Node.js gives the functions of CommonJS files. */
static bool has_file_parameters(const void *const *names, size_t count)
{
	static const char *const PARAMETERS[] = {
		"exports",
		"require",
		"module",
		"__filename",
		"__dirname",
	};
	bool is_same = count == sizeof PARAMETERS / sizeof *PARAMETERS;
	for (size_t i = 0; is_same && i < count; i++) {
		struct text name = copy_text_or_end(names[i]);
		is_same = name.length == strlen(PARAMETERS[i]) &&
			memcmp(name.bytes, PARAMETERS[i], name.length) == 0;
		free_copy(name.bytes);
	}
	return is_same;
}

/* CompileFunction(context, source, count, parameters, ...). V8 itself refuses parameters that are
 * no identifiers. */
void judge_function(struct arguments *arguments)
{
	const bool is_file = has_file_parameters(arguments->at[3], (size_t)arguments->at[2]);
	judge_source(
		arguments->at[1], is_file ? "CommonJS" : "function", is_file ? COMMONJS : MADE_TEXT);
}
