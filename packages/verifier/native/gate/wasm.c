/* Lets V8 compile WebAssembly only while the gate itself gives it bytes that a signature, the
 * policy or Node.js names. */
#include "../shared/digest/sha256.h"
#include "../shared/process/decisions.h"
#include "gate.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static DECIDES judge_wasm *judge_of_node;

/* A thread that compiles named bytes has a pass. It depends on a secret, so nobody can make a pass
 * by writing a known value there. */
static DECIDES uint64_t secret;
static _Thread_local uint64_t pass;

static uint64_t right_pass(void)
{
	return secret ^ (uintptr_t)&pass;
}

/* Returns Node.js' own answer, which is false in contexts that node:vm made with `wasm: false`. It
 * knows none of a context that an addon has made. */
static bool is_allowed_by_node(const void *context, const void *message)
{
	return judge_of_node == NULL || !is_of_node(context) || judge_of_node(context, message);
}

/* The message that a CompileError has, in the words of the hook. */
#define CANNOT_COMPILE "sigtool: ERR_RUNTIME_RULE: Cannot go on with wasm.compile: "
#define OTHER_CONTEXT                                                                              \
	"a context of node:vm compiles no WebAssembly; compile it outside, and pass the module in"
#define NO_HOOK "only the hook has signed WebAssembly compiled, and it is not there"

/* V8 asks this before each compilation, in every context. It makes an answer of false a
 * CompileError, which many programs catch, because they have the same code in JavaScript.
 *
 * The hook judges bytes before V8 does, and makes each context of node:vm with `wasm: false`. So
 * where Node.js allows WebAssembly, what comes here went round the hook. */
static bool judge_compilation(const void *context, const void *message)
{
	require_index();
	const bool is_allowed = is_allowed_by_node(context, message);
	if (rules.web_assembly == WEB_ASSEMBLY_ALLOW || pass == right_pass())
		return is_allowed;
	if (is_allowed && is_hook_there())
		end_intrusion(&(struct finding){.kind = "WebAssembly"});
	tell("wasm.compile", REFUSE,
		&(struct finding){.kind = "WebAssembly", .detail = is_allowed ? NO_HOOK : OTHER_CONTEXT},
		"ERR_RUNTIME_RULE");
	set_message_of_refused_wasm(
		context, is_allowed ? CANNOT_COMPILE NO_HOOK : CANNOT_COMPILE OTHER_CONTEXT);
	return false;
}

/* SetAllowWasmCodeGenerationCallback(isolate, callback) */
void take_judge_of_wasm(struct arguments *arguments)
{
	if (arguments->at[1] == NULL || arguments->at[1] == (void *)judge_compilation)
		return;
	if (!has_program_begun()) {
		judge_of_node = (judge_wasm *)arguments->at[1];
		if (secret == 0 && getrandom(&secret, sizeof secret, 0) != sizeof secret)
			fail(UNDECIDED, "ERR_START", "Cannot start: the kernel gives no random bytes: %m");
	}
	arguments->at[1] = (void *)judge_compilation;
}

void set_judge_of_wasm(void *isolate)
{
	void (*set_judge)(void *, judge_wasm *) =
		(void (*)(void *, judge_wasm *))targets.set_judge_of_wasm;
	set_judge(isolate, judge_compilation);
}

/* Compiles WebAssembly that is named. Returns a local handle of the module, or NULL if it is not
 * named or V8 has thrown. Other threads may change `bytes`, so a copy is judged and compiled. The
 * addon of the hook calls this. */
__attribute__((visibility("default"))) const void *sigtool_gate_compile_wasm(
	const uint8_t *bytes, size_t length)
{
	uint8_t digest[SHA256_BYTES];
	const void *module = NULL;
	require_index();
	uint8_t *copy = malloc(length + 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, bytes, length);
	sha256_bytes(copy, length, digest);
	if (rules.web_assembly == WEB_ASSEMBLY_ALLOW ||
		(rules.web_assembly == WEB_ASSEMBLY_SIGNED && is_named_wasm(digest))) {
		pass = right_pass();
		module = compile_wasm(copy, length);
		pass = 0;
	}
	free(copy);
	return module;
}
