/* The interfaces between the files of the gate, a library that the launcher loads into Node.js
 * before the program begins.
 *
 * Guarantees that V8 compiles no text, bytecode or WebAssembly, and that the loader loads no
 * library, which no signature names, whatever JavaScript does. The gate reads the index itself
 * (room trust/), before the first instruction of JavaScript. Neither messages, nor environment
 * variables, nor objects of JavaScript reach its data. */
#ifndef SIGTOOL_GATE_H
#define SIGTOOL_GATE_H
#include "../trust/trust.h"
#include "engine.h"
#include "patch.h"

/* progress.c: how far the start has come. Each of these can happen only once. */

/* Returns true if the gate is in front of all functions. Otherwise nothing is judged. */
bool is_gate_closed(void);
void note_gate_closed(void);

/* Returns true as soon as a text was compiled that is not of Node.js itself. */
bool has_program_begun(void);
void note_program_begun(void);

/* verified-index.c */

/* Begins to verify the index that the launcher passes. `mode` is the launcher's. */
void begin_to_verify(int mode);

/* Waits until the index is verified and read. Ends the process if it cannot be trusted. Everything
 * that uses `rules` or the index, except the sinks for events, must call this first. */
void require_index(void);

/* known.c */

/* Accepts a part of sigtool, which the launcher has digested: the hook or its addon. Must be called
 * before the program begins. `sha256` must stay valid. */
void accept_part(const char *sha256);
bool is_part(const uint8_t digest[SHA256_BYTES]);

/* In front of BuiltinLoader::AddExternalizedBuiltin(), which reads a source of Node.js from a file
 * of its distribution. Accepts the file if only root can change it, and only before the program
 * begins. */
watch accept_source_file;

bool is_known_text(const uint8_t digest[SHA256_BYTES]);
bool is_known_wasm(const uint8_t digest[SHA256_BYTES]);

/* judge.c */

/* Returns true if the index or the host's policy names this content, or if it is a part of sigtool.
 * `path` may be NULL. It only makes the search faster: it is the path where the content is probably
 * signed. */
bool is_named(const char *path, const uint8_t digest[SHA256_BYTES]);

/* Returns true if the index names this as a text that differs from its file, or as the content of
 * the file at this path. `path` may be NULL. */
bool is_named_text(const char *path, const uint8_t digest[SHA256_BYTES]);

/* Returns true if the policy or Node.js itself names this WebAssembly. */
bool is_named_wasm(const uint8_t digest[SHA256_BYTES]);

/* Returns true for the first call with this digest, and for a later one only after some thousand
 * others. */
bool is_new(const uint8_t digest[SHA256_BYTES]);

/* intrusion.c */

/* Describes what was about to become code. `path` and `digest` may be NULL. */
struct finding {
	const char *kind; /* such as "script", "module", "library" */
	const char *path;
	const uint8_t *digest;
	size_t size; /* in bytes, or 0 */
	const char *detail; /* what else can be said, or NULL */
};

/* Ends the process with status 126, because the program went round the hook. The event is written
 * first, by a descriptor that the program cannot reach. */
_Noreturn void end_intrusion(const struct finding *finding);

/* Raises an event that names the finding. `reason` may be NULL. */
void tell(
	const char *event, enum verdict verdict, const struct finding *finding, const char *reason);

/* sources.c */

watch judge_script; /* in front of ScriptCompiler::CompileUnboundInternal() */
watch judge_function; /* in front of ScriptCompiler::CompileFunction() */

/* kept-text.c */

/* Copies a string as UTF-8. The caller frees the bytes. */
struct text copy_text_or_end(const void *string);

/* Returns a string with the same text, whose characters nobody can change later. */
const void *keep_text_or_end(const void *string);

/* typescript.c */

/* Returns true if the text ends with the comment by which Node.js names TypeScript, and a signature
 * names what is before it. `path` is the path that Node.js gave the text, or NULL. */
bool is_typescript_named(const void *string, const char *path);

/* Returns what to do if the refused text at this path is TypeScript, or NULL if it is none. */
const char *advice_on_typescript(const char *path);

/* wasm-facade.c */

/* Returns true if Node.js makes this text to import WebAssembly as a module. */
bool is_wasm_facade(const void *string);

/* eval.c */

watch take_judge_of_strings; /* in front of SetModifyCodeGenerationFromStringsCallback() */
watch deny_strings; /* in front of Context::AllowCodeGenerationFromStrings() */
watch prepare_isolate; /* in front of Context::New() */

/* flags.c */

watch judge_flags; /* in front of V8::SetFlagsFromString() */
watch judge_command_line_flags; /* in front of V8::SetFlagsFromCommandLine() */

/* Makes V8 ask about the text of eval in every context that is made from here on. */
void disallow_strings(void);

/* closed-functions.c */

_Noreturn void refuse_streaming(void);
_Noreturn void refuse_code_cache(void);
_Noreturn void refuse_inspector(void);

/* wasm.c */

watch take_judge_of_wasm;
void set_judge_of_wasm(void *isolate);

/* libraries.c */

/* Notes a directory that the program may write below: no library there belongs to the system. Must
 * be called before the program begins. `directory` must stay valid. */
void note_granted(const char *directory);

/* sqlite.c */

/* Must be called before the program gets node:sqlite. */
void prepare_sqlite(void);

/* symbols.c */

void register_nothing(void); /* in the place of the registration of node:ffi */

#endif
