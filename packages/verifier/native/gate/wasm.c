/* Lets V8 compile WebAssembly only while the gate itself gives it bytes that a signature, the
 * policy or Node.js names. */
#include "../shared/digest/sha256.h"
#include "gate.h"
#include <stdlib.h>
#include <string.h>

static _Thread_local bool is_compiling_named;
static judge_wasm *judge_of_node;

static bool judge_compilation(const void *context, const void *message)
{
	require_index();
	if (rules.web_assembly != WEB_ASSEMBLY_ALLOW && !is_compiling_named)
		end_intrusion(&(struct finding){.kind = "WebAssembly"});
	return judge_of_node == NULL || judge_of_node(context, message);
}

/* SetAllowWasmCodeGenerationCallback(isolate, callback) */
void take_judge_of_wasm(struct arguments *arguments)
{
	if (arguments->at[1] == NULL || arguments->at[1] == (void *)judge_compilation)
		return;
	judge_of_node = (judge_wasm *)arguments->at[1];
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
		is_compiling_named = true;
		module = compile_wasm(copy, length);
		is_compiling_named = false;
	}
	free(copy);
	return module;
}
