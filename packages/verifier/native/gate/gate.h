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
#include <sys/types.h>

/* progress.c: how far the start has come. Each of these can happen only once. */

/* Returns true if the gate is in front of all functions. Otherwise nothing is judged. */
bool is_gate_closed(void);
void note_gate_closed(void);

/* Returns true as soon as a text was compiled that is not of Node.js itself. */
bool has_program_begun(void);
void note_program_begun(void);

/* Returns true if the hook runs in this process, so that it judges before the gate does. The hook
 * begins before the program, which cannot take this back. */
bool is_hook_there(void);
void note_hook(void);

/* Returns true as soon as this thread has compiled such a text. */
bool has_program_begun_here(void);

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

/* content.c */

/* Returns true if the open file's content from this offset on has the digest. */
bool has_content(int file, off_t offset, const uint8_t digest[SHA256_BYTES]);

/* judge.c */

/* Returns true if the index or the host's policy names this content, or if it is a part of sigtool.
 * `path` may be NULL. It only makes the search faster: it is the path where the content is probably
 * signed. */
bool is_named(const char *path, const uint8_t digest[SHA256_BYTES]);

/* Returns true if the index names this as a text that differs from its file, or as the content of
 * the file at this path. `path` may be NULL. */
bool is_named_text(const char *path, const uint8_t digest[SHA256_BYTES]);

/* Returns true if this is the text of files that the deny list or a deny rule names, and of no
 * other signed file. No policy lets it pass. */
bool is_denied_text(const uint8_t digest[SHA256_BYTES]);

/* Returns true if a program may have made a text that it compiles under this path: no file is
 * there, or a directory, or a signed file, of which it made the text. Any text under the path of an
 * unsigned file counts as the content of that file, whatever was done to it. Returns false where it
 * is unknown what is there, and for the text of a worker. `path` may be NULL. */
bool may_be_made_for(const char *path);

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

/* report.c: mode audit. */

/* Returns true if the gate refuses nothing. */
bool is_only_reporting(void);
void report_only(void);

/* Ends the process like end_intrusion(), or in mode audit raises an event and returns. */
void report_or_end(const struct finding *finding);

/* Returns true if the file at this path has this content, with or without its byte order mark. The
 * hook tells of such a file, if nobody has signed it. `path` may be NULL. */
bool is_content_of_file(const char *path, const uint8_t digest[SHA256_BYTES]);

/* sources.c */

watch judge_script; /* in front of ScriptCompiler::CompileUnboundInternal() */
watch judge_function; /* in front of ScriptCompiler::CompileFunction() */

/* kept-text.c */

/* Copies a string as UTF-8. The caller must free_copy() the bytes. */
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

/* owners.c */

enum owner {
	THE_PROGRAM,
	NODE, /* Node.js itself, which may trust the numbers there */
	A_STACK, /* of async hooks. The program can make Node.js write behind it */
};
enum { OWNERS = A_STACK + 1 };

/* Finds the functions that ask for memory of a stack. Call find_engine() first. */
void find_stacks(void);

watch note_request; /* in front of ArrayBuffer::New() */

/* Decides to whom the memory belongs that V8 asks for next. */
enum owner take_owner(size_t length);

/* internal-fields.c */

/* Must be called before the program begins. Call find_engine() first. Returns false if this build
 * of Node.js reads internal fields in an unknown way. */
bool check_internal_fields(void);
watch judge_fatal_error; /* in front of node::OnFatalError() */

/* buffers.c */

/* Opens the arenas of ArrayBuffers. Call find_engine() first. Ends the process if it can have no
 * room for them: whoever limits its addresses must not get a process without the gate. */
void open_buffers(void);

void *make_allocator(void); /* in the place of ArrayBuffer::Allocator::NewDefaultAllocator() */
watch move_used_memory; /* in front of ArrayBuffer::NewBackingStore() */
watch move_adopted_memory; /* in front of AdoptIntoBackingStore() */

/* In the places of PageAllocator::AllocatePages() and PageAllocator::FreePages(). */
void *allocate_pages(void *self, void *hint, size_t size, size_t alignment, int permission);
bool free_pages(void *self, void *memory, size_t size);

/* libraries.c */

/* Notes a directory that the program may write below: no library there belongs to the system. Must
 * be called before the program begins. `directory` must stay valid. */
void note_granted(const char *directory);

watch await_addon; /* in front of Environment::TryLoadAddon() */

/* Returns true unless this thread looks up a function in a library that Node.js did not load by
 * process.dlopen(). */
bool may_look_up_entry(void);

/* sqlite.c */

/* Must be called before the program gets node:sqlite. */
void prepare_sqlite(void);

/* symbols.c */

void register_nothing(void); /* in the place of the registration of node:ffi */

#endif
