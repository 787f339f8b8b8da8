/* Judges each text that V8 is about to compile, by its content.
 *
 * The hook in JavaScript has judged the same text before, with its path. If it refused, nothing
 * comes here. So a text that no signature names was brought by a program that went round the hook.
 * Only text that the policy lets pass (`stringCode`) comes here without a signature. */
#include "../shared/sha256.h"
#include "gate.h"
#include "verified-texts.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool has_begun;
static judge_string *judge_of_node; /* Node.js' own answer, which the flag of V8 decides */

bool has_program_begun(void)
{
	return atomic_load(&has_begun);
}

/* Copies a string. Ends the process if memory is lacking, because a text that cannot be judged
 * cannot be compiled. */
static struct text read_text(const void *string)
{
	struct text text;
	if (!copy_text(string, &text))
		end_intrusion(&(struct finding){.kind = "text without memory"});
	return text;
}

/* Returns a text that stays as it is. V8 compiles most functions only when they are called, and
 * then reads their text again. Text outside of its heap is in memory of libc. There Node.js may
 * still write for a buffer that had this memory before, and that the program gave away meanwhile.
 */
static const void *keep(const void *string)
{
	const void *kept = keep_text(string);
	if (kept == NULL)
		end_intrusion(&(struct finding){.kind = "text without memory"});
	if (!has_own_characters(kept) && verified_text_of(kept) == NULL)
		end_intrusion(&(struct finding){.kind = "text outside of V8's heap",
			.size = string_length(kept),
			.detail = "a long text that is the name of a member cannot be compiled"});
	return kept;
}

/* Puts a text that stays as it is in the place of the string. Returns its length and digest. */
static size_t settle_text(const void **string, uint8_t digest[SHA256_BYTES])
{
	const struct verified_text *verified = verified_text_of(*string);
	if (verified == NULL) {
		*string = keep(*string);
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

/* Makes a path of a file URL, in place, without what follows the path. Leaves any other text as it
 * is. */
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

/* Returns the path that Node.js gave the text, which the program may have made up. free() it.
 * Returns NULL if there is none, or if it is longer than the URL of any path. */
static char *path_of(const struct source *source)
{
	enum { LONGEST_URL = 3 * PATH_MAX + 1024 };
	const void *given = source->resource_name;
	if (given == NULL || !is_string(given) || string_length(given) > LONGEST_URL)
		return NULL;
	struct text name = read_text(given);
	decode_file_url(name.bytes);
	return name.bytes;
}

/* Node.js compiles its source of node:sqlite when the program first asks for that module. The other
 * source is for tests of Node.js. By it a worker with --expose-internals would get what is below
 * all modules, such as SQLite without node:sqlite. */
static void prepare_source(const struct source *source)
{
	char *name = path_of(source);
	if (name != NULL && strcmp(name, "node:sqlite") == 0)
		prepare_sqlite();
	if (name != NULL && strcmp(name, "node:internal/test/binding") == 0)
		end_intrusion(&(struct finding){.kind = "internal binding", .path = name});
	free(name);
}

/* Makes V8 compile the text in place of bytecode that the gate does not know. */
static void drop_cached_data(struct source *source)
{
	if (source->cached == NULL || source->cached->length <= 0)
		return;
	if (!is_own_memory(source->cached->data, (size_t)source->cached->length))
		source->cached->length = 0;
}

/* Applies the policy's rule about text to one that no signature names. Ends the process if the rule
 * does not let it pass. */
static void apply_rule(const struct finding *finding)
{
	if (rules.string_code == STRING_CODE_ALLOW)
		return;
	if (rules.string_code != STRING_CODE_AUDIT)
		end_intrusion(finding);
	if (is_new(finding->digest))
		tell("code.string", AUDIT, finding, NULL);
}

/* Returns the length of the text before `\n\n//# sourceURL=NAME`, or its whole length if it does
 * not end like that. Node.js appends this comment to TypeScript whose types it has removed. NAME
 * must hold no end of a line, so that everything behind the length is the comment. */
static size_t length_before_name(const char *bytes, size_t length)
{
	static const char BEGINNING[] = "\n\n//# sourceURL=";
	static const char *const LINE_ENDS[] = {"\n", "\r", "\xe2\x80\xa8", "\xe2\x80\xa9"};
	enum { LONGEST = 4096 };
	const size_t beginning = sizeof BEGINNING - 1;
	for (size_t name = 0; name <= LONGEST && name + beginning <= length; name++) {
		const char *rest = bytes + length - name;
		for (size_t i = 0; i < sizeof LINE_ENDS / sizeof *LINE_ENDS; i++) {
			const size_t end = strlen(LINE_ENDS[i]);
			if (name >= end && memcmp(rest, LINE_ENDS[i], end) == 0)
				return length;
		}
		if (memcmp(rest - beginning, BEGINNING, beginning) == 0)
			return length - name - beginning;
	}
	return length;
}

static bool ends_with(const char *text, const char *end)
{
	const size_t length = strlen(text);
	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static bool is_typescript(const char *path)
{
	return path != NULL &&
		(ends_with(path, ".ts") || ends_with(path, ".mts") || ends_with(path, ".cts"));
}

/* Returns true if a signature names the text before the comments by which Node.js names TypeScript:
 * one, or two where CommonJS is imported. The text must be that of TypeScript. Another signed file
 * may end inside of a literal or a comment, and NAME would end that and go on as code. */
static bool is_typescript_named(const void *string, const char *path)
{
	enum { MOST_NAMES = 2 };
	struct text text = read_text(string);
	bool is_signed = false;
	for (int i = 0; i < MOST_NAMES && !is_signed; i++) {
		uint8_t digest[SHA256_BYTES];
		const size_t before = length_before_name(text.bytes, text.length);
		if (before == text.length)
			break;
		text.length = before;
		sha256_bytes(text.bytes, text.length, digest);
		is_signed = is_named_text(is_typescript(path) ? path : NULL, digest);
	}
	free(text.bytes);
	return is_signed;
}

/* The index of a release before the gate, or of one that could not remove types, has no texts. */
static const char *advice_for(const char *path)
{
	return is_typescript(path)
		? "if this is TypeScript, the index may lack its text without types: compile "
		  "it with --strip-types-with"
		: NULL;
}

/* Judges a source. `is_file` is true for what only files become: modules and CommonJS functions,
 * for which the policy has no exception. */
static void judge_source(struct source *source, const char *kind, bool is_file)
{
	/* Node.js itself compiles an empty script, which does nothing. */
	const bool is_own = string_length(source->text) == 0 || is_own_source(source->text);
	drop_cached_data(source);
	if (is_own) {
		prepare_source(source);
		return;
	}
	require_index();
	atomic_store(&has_begun, true);
	uint8_t digest[SHA256_BYTES];
	const size_t size = settle_text(&source->text, digest);
	char *path = path_of(source);
	if (!is_named(path, digest) && !is_typescript_named(source->text, path)) {
		const struct finding finding = {kind, path, digest, size, advice_for(path)};
		if (is_file)
			end_intrusion(&finding);
		apply_rule(&finding);
	}
	free(path);
}

/* CompileUnboundInternal(isolate, source, ...) */
void judge_script(struct arguments *arguments)
{
	struct source *source = arguments->at[1];
	const bool is_module = (source->options & IS_MODULE) != 0;
	judge_source(source, is_module ? "module" : "script", is_module);
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
		struct text name = read_text(names[i]);
		is_same = name.length == strlen(PARAMETERS[i]) &&
			memcmp(name.bytes, PARAMETERS[i], name.length) == 0;
		free(name.bytes);
	}
	return is_same;
}

/* CompileFunction(context, source, count, parameters, ...). V8 itself refuses parameters that are
 * no identifiers. */
void judge_function(struct arguments *arguments)
{
	const bool is_file = has_file_parameters(arguments->at[3], (size_t)arguments->at[2]);
	judge_source(arguments->at[1], is_file ? "CommonJS" : "function", is_file);
}

static bool refuses_text(void)
{
	return rules.string_code == STRING_CODE_REFUSE || rules.string_code == STRING_CODE_SIGNED;
}

/* The beginning of the message that an EvalError has, in the words of the hook. */
#define CANNOT_RUN_TEXT "sigtool: ERR_RUNTIME_RULE: Cannot go on with code.string (kind \"eval\"): "

/* Tells once why a text of eval or Function is refused. The program gets an EvalError, which it may
 * catch: many programs only try. Where the policy refuses the text, the error says so. */
static void tell_refused_string(const void *context, const struct finding *finding)
{
	struct finding told = *finding;
	if (rules.mode == MODE_STRICT) {
		told.detail =
			"mode strict refuses eval and Function, whatever runtime.stringCode of the policy says";
		set_message_of_refused_text(
			context, CANNOT_RUN_TEXT "mode strict refuses it, whatever the policy says");
	} else if (refuses_text()) {
		told.detail = "runtime.stringCode of the policy refuses it";
		set_message_of_refused_text(context,
			CANNOT_RUN_TEXT "the policy refuses it; to allow it, set runtime.stringCode in the "
							"policy and compile again");
	} else {
		told.detail = "an option of its context, or a flag of V8, refuses it";
	}
	if (is_new(finding->digest))
		tell("code.string", REFUSE, &told, "ERR_RUNTIME_RULE");
}

/* Is called by V8 for each text of eval, Function and the like, in every context. */
static struct string_code judge_text(const void *context, const void *value, int is_code_like)
{
	require_index();
	struct string_code answer = {1, NULL};
	if (judge_of_node != NULL)
		answer = judge_of_node(context, value, is_code_like);
	answer.allowed &= 1; /* a bool, whose other bits are not defined */
	const void *string = answer.modified != NULL ? answer.modified : value;
	if (!is_string(string))
		return answer;
	const void *kept = keep(string);
	if (kept != string)
		answer.modified = string = kept;
	uint8_t digest[SHA256_BYTES];
	const size_t size = digest_text(string, digest);
	const struct finding finding = {.kind = "eval", .digest = digest, .size = size};
	if (!answer.allowed) {
		tell_refused_string(context, &finding);
	} else if (rules.string_code != STRING_CODE_ALLOW && !is_named(NULL, digest)) {
		answer.allowed = rules.string_code == STRING_CODE_AUDIT;
		if (!answer.allowed)
			tell_refused_string(context, &finding);
		else if (is_new(digest))
			tell("code.string", AUDIT, &finding, NULL);
	}
	return answer;
}

/* SetModifyCodeGenerationFromStringsCallback(isolate, callback). All isolates get one callback from
 * Node.js. */
void take_judge_of_strings(struct arguments *arguments)
{
	if (arguments->at[1] == NULL || arguments->at[1] == (void *)judge_text)
		return;
	judge_of_node = (judge_string *)arguments->at[1];
	arguments->at[1] = (void *)judge_text;
}

/* AllowCodeGenerationFromStrings(context, allow). Where it is allowed, V8 asks no callback. */
void deny_strings(struct arguments *arguments)
{
	arguments->at[1] = (void *)0;
}

static const char NO_STRINGS[] = "--disallow-code-generation-from-strings";

/* Context::New(isolate, ...). Native code that is signed can make isolates of its own, in which
 * nobody sets callbacks, and contexts that allow strings, in which V8 asks no callback. The flag
 * makes V8 ask in every context that is made from here on. In threads that start later, Node.js
 * then refuses signed text too. So the flag is set for such native code alone, and only if the
 * policy refuses text. */
void prepare_isolate(struct arguments *arguments)
{
	void *isolate = arguments->at[0];
	void (*set_judge)(void *, judge_string *) =
		(void (*)(void *, judge_string *))targets.set_judge_of_strings;
	void (*set_flags)(const char *) = (void (*)(const char *))targets.set_flags;
	if (!has_program_begun())
		return;
	set_judge(isolate, judge_text);
	set_judge_of_wasm(isolate);
	if (refuses_text() && !is_own_code(caller_of(arguments)))
		set_flags(NO_STRINGS);
}

/* Returns true for one flag that sets a size or exposes the garbage collector. Other limits belong
 * to the compiler, which a wrong limit can make fail in ways that nobody has tried. V8 splits a
 * text at white space, and takes `_` for `-`. */
static bool is_harmless_flag(const char *flag)
{
	static const char *const HARMLESS[] = {
		"--expose-gc",
		"--max-heap-size",
		"--max-old-space-size",
		"--max-semi-space-size",
		"--stack-size",
	};
	char name[64];
	size_t length = 0;
	for (const char *at = flag; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~')
			return false;
	}
	while (flag[length] != '\0' && flag[length] != '=' && length < sizeof name - 1) {
		name[length] = flag[length] == '_' ? '-' : flag[length];
		length++;
	}
	name[length] = '\0';
	for (size_t i = 0; i < sizeof HARMLESS / sizeof *HARMLESS; i++) {
		if (strcmp(name, HARMLESS[i]) == 0)
			return true;
	}
	return false;
}

/* SetFlagsFromString(flags, ...). Node.js itself calls it before the program begins. */
void judge_flags(struct arguments *arguments)
{
	const char *flag = arguments->at[0];
	if (has_program_begun() && flag != NO_STRINGS && !is_harmless_flag(flag))
		end_intrusion(&(struct finding){.kind = "flag of V8", .path = flag});
}

void judge_command_line_flags(struct arguments *arguments)
{
	(void)arguments;
	if (has_program_begun())
		end_intrusion(&(struct finding){.kind = "flags of V8"});
}

void refuse_streaming(void)
{
	end_intrusion(&(struct finding){.kind = "streamed script"});
}

void refuse_code_cache(void)
{
	end_intrusion(&(struct finding){.kind = "bytecode"});
}

void refuse_inspector(void)
{
	end_intrusion(&(struct finding){.kind = "inspector"});
}
