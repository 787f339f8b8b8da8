/* The functions of V8 and Node.js that the gate calls or changes, found by their exported names.
 *
 * A Local<T> of V8 is a pointer to a slot with the address of an object. A member function takes
 * the same pointer as `this`. So both are `const void *` here. Layouts are those of the headers of
 * Node.js 20 to 26, whose inline functions read the same offsets. */
#ifndef SIGTOOL_ENGINE_H
#define SIGTOOL_ENGINE_H
#include "../shared/text/hex.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ScriptCompiler::CachedData in v8-script.h. V8 rejects data that is too short to have a header,
 * and then compiles the text. */
struct cached_data {
	const uint8_t *data;
	int length;
};

/* ScriptCompiler::Source in v8-script.h. */
struct source {
	const void *text;
	const void *resource_name;
	int line_offset;
	int column_offset;
	int options; /* bits of ScriptOriginOptions */
	const void *source_map_url;
	const void *host_defined_options;
	struct cached_data *cached;
	void *consume_task; /* only StartConsumingCodeCache() makes one */
};
enum { IS_MODULE = 8 }; /* a bit of ScriptOriginOptions */

/* ModifyCodeGenerationFromStringsResult in v8-callbacks.h. */
struct string_code {
	uint64_t allowed; /* a bool */
	const void *modified; /* NULL if the text is compiled as it is */
};
typedef struct string_code judge_string(const void *context, const void *text, int is_code_like);
typedef bool judge_wasm(const void *context, const void *message);

/* Finds all functions. Returns false if this program is not Node.js as the gate knows it: then
 * `missing_function` is the name of the first function that is missing. */
bool find_engine(void);
extern const char *missing_function;

/* Returns true if this program is Node.js with an application in the same file. It runs that
 * application in the place of a script, even without a text if the file has a snapshot. Call
 * find_engine() first. */
bool is_application(void);

/* The addresses of functions to change. An address that is NULL belongs to a function that this
 * release does not have. */
extern struct targets {
	void *compile_script; /* scripts and modules */
	void *compile_function;
	void *start_streaming;
	void *consume_cache;
	void *consume_cache_on_background;
	void *set_judge_of_strings;
	void *set_judge_of_wasm;
	void *allow_strings;
	void *new_context;
	void *set_flags;
	void *set_flags_of_length;
	void *set_flags_of_command_line;
	void *connect_inspector;
	void *register_ffi;
	void *load_addon; /* by it process.dlopen() calls dlopen(3) */
	void *add_source_file; /* where a distribution keeps sources of Node.js in files */
	void *new_allocator;
	void *new_buffer; /* ArrayBuffer::New() of a length */
	void *use_memory; /* ArrayBuffer::NewBackingStore() */
	void *adopt_memory; /* it stands in front of use_memory in later releases */
	void *allocate_pages;
	void *free_pages;
	void *report_fatal_error;
} targets;

/* The functions for the memory of ArrayBuffers that the gate does not change. */
extern struct memory_functions {
	void *reallocate; /* NULL if allocators have no such function */
	void *make_buffer; /* of memory whose address an addon knows */
	void *grow_stack; /* AsyncHooks::grow_async_ids_stack() */
	void *grow_array; /* AliasedBufferBase::reserve(); NULL where it is a part of its callers */
	/* The last two arguments are a std::optional without a value, which older releases lack. */
	void *(*allocate)(void *hint, size_t size, size_t alignment, int permission, uint64_t no_handle,
		uint64_t is_there);
	void (*free)(void *memory, size_t size);
} memory_functions;

/* Returns true if the value is a string. */
bool is_string(const void *value);

/* Returns the number of UTF-16 code units of a string. */
size_t string_length(const void *string);

/* Reads `count` code units from `first` on. The string must have them. */
void read_units(const void *string, size_t first, size_t count, uint16_t *units);

/* Returns true if the characters are a part of the string's object, in the heap of V8. Characters
 * of other strings may be elsewhere: outside of that heap, also by way of another string. */
bool has_own_characters(const void *string);

/* Make an internalized string, of Latin-1 or of UTF-16, or take the one that has this text already.
 * Return a local handle, or NULL. */
const void *new_narrow_string(const uint8_t *characters, size_t length);
const void *new_wide_string(const uint16_t *units, size_t length);

/* Characters in memory as V8 has them: Latin-1 in bytes, or UTF-16 if they are wide. */
struct characters {
	const void *memory;
	size_t count; /* of bytes, or of code units of two bytes */
	bool is_wide;
};

/* Makes room for what can_lend() finds out. Must be called before the program begins. */
void prepare_lending(void);

/* Finds out how V8 keeps a string whose characters are outside of its heap. Returns false if they
 * cannot be there, or are kept in another way. Only one thread may call this at a time.
 * `environment` is a napi_env. */
bool can_lend(void *environment);

/* Makes an internalized string of characters that V8 reads in their place, where they must stay for
 * ever and never change. If another string with this text already is internalized, it becomes a
 * link to that one. Returns a local handle, or NULL. can_lend() must have returned true. */
const void *lend(void *environment, const struct characters *characters);

/* Returns where V8 reads a string that is one like those of lend(), with its width. Returns NULL if
 * it is another one. */
const void *lent_memory(const void *string, bool *is_wide);

/* Returns true if V8 reads this string from the program's own file, in memory that is mapped
 * read-only. Such a string is a source of Node.js itself. */
bool is_own_source(const void *string);

/* Returns true if all of this memory is of the program's own file, and read-only. */
bool is_own_memory(const void *memory, size_t length);

/* Returns where these bytes are among the constants of Node.js, or NULL. */
uint8_t *find_own_constant(const void *bytes, size_t length);

/* Returns true if the code at this address is of Node.js: the program, or its libnode and libuv. */
bool is_own_code(const void *address);

/* The code of Node.js itself, in whole pages. That of V8, which has other checks, follows it. */
struct code {
	uint8_t *first;
	uint8_t *end;
};
struct code code_of_node(void);

/* Compiles WebAssembly. Returns a local handle of the module, or NULL with a pending exception. */
const void *compile_wasm(const uint8_t *bytes, size_t length);

/* Sets the message of the EvalError that V8 throws in this context for a text that it does not
 * compile. The message must be ASCII. */
void set_message_of_refused_text(const void *context, const char *message);

/* Does the same for the CompileError of WebAssembly. */
void set_message_of_refused_wasm(const void *context, const char *message);

/* Returns true if Node.js made this context, and not an addon. */
bool is_of_node(const void *context);

/* extent.c: where a function begins and ends. */
struct extent {
	uintptr_t first;
	uintptr_t end;
};

/* Returns the extent of an exported function, or an empty one. */
struct extent extent_of(const void *function);

/* Returns true if a call returns to this function. */
bool is_from(struct extent function, const void *caller);

/* strings.c */

/* The text of a JavaScript string, in UTF-8. A surrogate without its partner is written in three
 * bytes, so that no two strings have the same bytes. */
struct text {
	char *bytes; /* with a zero byte at the end; free_copy() it */
	size_t length; /* in bytes, without the zero byte */
};

/* Reserves the memory of copies, before the program begins. Returns false if the process can have
 * no such room. */
bool open_copies(void);

/* Frees the bytes of a copy. */
void free_copy(char *bytes);

/* Copies a string. Returns false if memory is lacking. */
bool copy_text(const void *string, struct text *text);

/* Returns a string with the same text, whose characters are in the heap of V8 and stay there: this
 * one, or a copy. Returns NULL if memory is lacking. Returns a string without characters of its own
 * if the program has given such a string as a name to a member. */
const void *keep_text(const void *string);

/* Digest the UTF-8 of a string, or of characters. Return its length in bytes. */
size_t digest_text(const void *string, uint8_t digest[SHA256_BYTES]);
size_t digest_characters(const struct characters *characters, uint8_t digest[SHA256_BYTES]);

/* decode.c */

/* Returns what the characters of some UTF-8 will be, without their memory. Returns false if it is
 * not well-formed. */
bool measure_text(const uint8_t *bytes, size_t size, struct characters *characters);

/* Writes the characters of well-formed UTF-8, of the width that measure_text() returned. */
void decode_text(const uint8_t *bytes, size_t size, bool is_wide, void *memory);

#endif
