/* Judges each text that a program gives to eval, Function and the like, in every context. V8 asks a
 * callback about such a text, so a refusal is an EvalError, and the process goes on. */
#include "../shared/process/decisions.h"
#include "gate.h"

static DECIDES judge_string *judge_of_node; /* Node.js' own answer, which the flag of V8 decides */

/* Returns true if the policy refuses text that no signature names. */
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
	if (is_denied_text(finding->digest)) {
		told.detail = "the deny list or a rule of the policy names its content";
		set_message_of_refused_text(
			context, CANNOT_RUN_TEXT "the deny list or a rule of the policy names its content");
	} else if (rules.mode == MODE_STRICT) {
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

/* Tells of a text that no signature names, and returns true if it may run. */
static bool judge_unnamed(const void *context, const struct finding *finding)
{
	const bool is_recorded =
		rules.string_code == STRING_CODE_AUDIT && !is_denied_text(finding->digest);
	if (is_recorded || is_only_reporting()) {
		if (is_new(finding->digest))
			tell("code.string", is_recorded ? RECORD : AUDIT, finding,
				is_recorded ? NULL : "ERR_RUNTIME_RULE");
		return true;
	}
	tell_refused_string(context, finding);
	return false;
}

/* V8 calls this for each text of eval, Function and the like, in every context. */
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
	/* The program's own option refuses the text, as in plain Node.js. */
	if (is_only_reporting() && !answer.allowed)
		return answer;
	const void *kept = is_only_reporting() ? string : keep_text_or_end(string);
	if (kept != string)
		answer.modified = string = kept;
	uint8_t digest[SHA256_BYTES];
	const size_t size = digest_text(string, digest);
	const struct finding finding = {.kind = "eval", .digest = digest, .size = size};
	if (!answer.allowed)
		tell_refused_string(context, &finding);
	else if ((rules.string_code != STRING_CODE_ALLOW || is_denied_text(digest)) &&
		!is_named(NULL, digest))
		answer.allowed = judge_unnamed(context, &finding);
	return answer;
}

/* SetModifyCodeGenerationFromStringsCallback(isolate, callback). Sets the gate's callback in place
 * of Node.js' own, which is the same for all isolates, and which judge_text() calls. */
void take_judge_of_strings(struct arguments *arguments)
{
	if (arguments->at[1] == NULL || arguments->at[1] == (void *)judge_text)
		return;
	if (!has_program_begun())
		judge_of_node = (judge_string *)arguments->at[1];
	arguments->at[1] = (void *)judge_text;
}

/* AllowCodeGenerationFromStrings(context, allow). Makes `allow` false, because V8 asks the callback
 * only in a context that does not allow strings. */
void deny_strings(struct arguments *arguments)
{
	arguments->at[1] = (void *)0;
}

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
	if (!has_program_begun())
		return;
	set_judge(isolate, judge_text);
	set_judge_of_wasm(isolate);
	if (refuses_text() && !is_own_code(caller_of(arguments)))
		disallow_strings();
}
