/* Finds the functions of engine.h, and calls those that read strings. */
#define _GNU_SOURCE
#include "engine.h"
#include "../libraries/look-up.h"
#include "../shared/process/decisions.h"
#include "gate.h"
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

DECIDES const char *missing_function;
DECIDES struct targets targets;
DECIDES struct memory_functions memory_functions;

/* The functions that the gate calls. A release has `write`, or its older form `old_write`. */
static DECIDES struct {
	void (*write)(const void *string, void *isolate, uint32_t first, uint32_t count,
		uint16_t *units, int flags);
	int (*old_write)(
		const void *string, void *isolate, uint16_t *units, int first, int count, int flags);
	bool (*is_string)(const void *value);
	int (*length)(const void *string);
	bool (*is_external_one_byte)(const void *string);
	bool (*is_external_two_byte)(const void *string);
	const void *const *(*resource_of)(const void *string, int *encoding);
	const void *(*new_narrow)(void *isolate, const uint8_t *characters, int type, int length);
	const void *(*new_wide)(void *isolate, const uint16_t *units, int type, int length);
	void *(*current_isolate)(void);
	bool (*is_application)(void);
	void *libuv; /* any of its functions, to find where its code is */
	const void *(*compile_wasm)(void *isolate, const uint8_t *bytes, size_t length);
	void (*set_message_of_refused_text)(const void *context, const void *message);
	void (*set_message_of_refused_wasm)(const void *context, const void *message);
	void *(*environment_of)(const void *context);
	void *read_field; /* of an object that may have no internal fields; the first functions of V8 */
} calls;

#define ISOLATE "PNS_7IsolateE"
#define SOURCE "PNS0_6SourceE"
#define COMPILER "_ZN2v814ScriptCompiler"
#define CACHED "St10unique_ptrINS0_10CachedDataESt14default_deleteIS4_EE"
#define FUNCTION_ARGUMENTS                                                                         \
	"ENS_5LocalINS_7ContextEEE" SOURCE                                                             \
	"mPNS1_INS_6StringEEEmPNS1_INS_6ObjectEEENS0_14CompileOptionsENS0_13NoCacheReasonE"

#define NEW_CONTEXT                                                                                \
	"_ZN2v87Context3NewEPNS_7IsolateEPNS_22ExtensionConfigurationENS_10MaybeLocalINS_"             \
	"14ObjectTemplateEEENS5_INS_5ValueEEENS_33DeserializeInternalFieldsCallbackEPNS_"              \
	"14MicrotaskQueueE"

#define PAGES "_ZN2v84base13PageAllocator"

enum { MAX_NAMES = 3 };

/* A function is found by the first of its names that is exported. */
static const struct function {
	bool is_required;
	void *place;
	const char *names[MAX_NAMES];
} FUNCTIONS[] = {
	/* It comes first, because it is called also where another function is missing. */
	{false, &calls.is_application, {"_ZN4node3sea18IsSingleExecutableEv"}},
	{true, &targets.compile_script,
		{COMPILER "22CompileUnboundInternalE" ISOLATE SOURCE
				  "NS0_14CompileOptionsENS0_13NoCacheReasonE"}},
	/* In Node.js 20 and 22, CompileFunction() only calls CompileFunctionInternal(), and Node.js
	 * itself calls the latter. */
	{true, &targets.compile_function,
		{COMPILER "23CompileFunctionInternal" FUNCTION_ARGUMENTS "PNS1_INS_14ScriptOrModuleEEE",
			COMPILER "15CompileFunction" FUNCTION_ARGUMENTS}},
	{true, &targets.start_streaming,
		{COMPILER "14StartStreamingE" ISOLATE
				  "PNS0_14StreamedSourceENS_10ScriptTypeENS0_14CompileOptionsEPFbiPvES7_",
			COMPILER "14StartStreamingE" ISOLATE
					 "PNS0_14StreamedSourceENS_10ScriptTypeENS0_14CompileOptionsE"}},
	{true, &targets.consume_cache, {COMPILER "23StartConsumingCodeCacheE" ISOLATE CACHED}},
	{false, &targets.consume_cache_on_background,
		{COMPILER "35StartConsumingCodeCacheOnBackgroundE" ISOLATE CACHED}},
	{true, &targets.set_judge_of_strings,
		{"_ZN2v87Isolate42SetModifyCodeGenerationFromStringsCallbackEPFNS_"
		 "37ModifyCodeGenerationFromStringsResultENS_5LocalINS_7ContextEEENS2_INS_5ValueEEEbE"}},
	{true, &targets.set_judge_of_wasm,
		{"_ZN2v87Isolate34SetAllowWasmCodeGenerationCallbackEPFbNS_5LocalINS_7ContextEEENS1_INS_"
		 "6StringEEEE"}},
	{true, &targets.allow_strings, {"_ZN2v87Context30AllowCodeGenerationFromStringsEb"}},
	{true, &targets.new_context,
		{NEW_CONTEXT "NS_30DeserializeContextDataCallbackENS_29DeserializeAPIWrapperCallbackE",
			NEW_CONTEXT "NS_30DeserializeContextDataCallbackE", NEW_CONTEXT}},
	{true, &targets.set_flags, {"_ZN2v82V818SetFlagsFromStringEPKc"}},
	{true, &targets.set_flags_of_length, {"_ZN2v82V818SetFlagsFromStringEPKcm"}},
	{true, &targets.set_flags_of_command_line, {"_ZN2v82V823SetFlagsFromCommandLineEPiPPcb"}},
	{true, &targets.connect_inspector,
		{"_ZN4node9inspector5Agent7ConnectESt10unique_ptrINS0_24InspectorSessionDelegateESt14"
		 "default_deleteIS3_EEb"}},
	{true, &calls.libuv, {"uv_dlsym"}},
	{false, &targets.register_ffi, {"_Z13_register_ffiv"}},
	{false, &targets.add_source_file,
		{"_ZN4node8builtins13BuiltinLoader22AddExternalizedBuiltinEPKcS3_"}},
	{false, &targets.load_addon,
		{"_ZN4node11Environment12TryLoadAddonEPKciRKSt8functionIFbPNS_7binding4DLibEEE"}},
	{true, &targets.new_allocator, {"_ZN2v811ArrayBuffer9Allocator19NewDefaultAllocatorEv"}},
	{true, &targets.new_buffer,
		{"_ZN2v811ArrayBuffer3NewEPNS_7IsolateEm",
			"_ZN2v811ArrayBuffer3NewEPNS_7IsolateEmNS_30BackingStoreInitializationModeE"}},
	{true, &memory_functions.grow_stack, {"_ZN4node10AsyncHooks20grow_async_ids_stackEv"}},
	{false, &memory_functions.grow_array,
		{"_ZN4node17AliasedBufferBaseIdN2v812Float64ArrayEE7reserveEm"}},
	{false, &memory_functions.reallocate, {"_ZN2v811ArrayBuffer9Allocator10ReallocateEPvmm"}},
	{true, &targets.use_memory, {"_ZN2v811ArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_"}},
	{false, &targets.adopt_memory,
		{"_ZN4node21AdoptIntoBackingStoreEPN2v87IsolateEPvmPFvS3_mS3_ES3_"}},
	{true, &memory_functions.make_buffer,
		{"_ZN4node6Buffer3NewEPNS_11EnvironmentEPcmPFvS3_PvES4_"}},
	{true, &targets.allocate_pages, {PAGES "13AllocatePagesEPvmmNS_13PageAllocator10PermissionE"}},
	{true, &targets.free_pages, {PAGES "9FreePagesEPvm"}},
	{true, &targets.report_fatal_error, {"_ZN4node12OnFatalErrorEPKcS1_"}},
	{true, &calls.read_field,
		{"_ZN2v86Object38SlowGetAlignedPointerFromInternalFieldEi",
			"_ZN2v86Object38SlowGetAlignedPointerFromInternalFieldEit"}},
	{true, &memory_functions.allocate,
		{"_ZN2v84base2OS8AllocateEPvmmNS1_16MemoryPermissionESt8optionalINS_"
		 "18SharedMemoryHandleEE",
			"_ZN2v84base2OS8AllocateEPvmmNS1_16MemoryPermissionE"}},
	{true, &memory_functions.free, {"_ZN2v84base2OS4FreeEPvm"}},
	{false, &calls.write, {"_ZNK2v86String7WriteV2EPNS_7IsolateEjjPti"}},
	{false, &calls.old_write, {"_ZNK2v86String5WriteEPNS_7IsolateEPtiii"}},
	{true, &calls.is_string, {"_ZNK2v85Value12FullIsStringEv"}},
	{true, &calls.length, {"_ZNK2v86String6LengthEv"}},
	{true, &calls.is_external_one_byte, {"_ZNK2v86String17IsExternalOneByteEv"}},
	{true, &calls.is_external_two_byte, {"_ZNK2v86String17IsExternalTwoByteEv"}},
	{true, &calls.resource_of,
		{"_ZNK2v86String33GetExternalStringResourceBaseSlowEPNS0_8EncodingE"}},
	{true, &calls.new_narrow,
		{"_ZN2v86String14NewFromOneByteEPNS_7IsolateEPKhNS_13NewStringTypeEi"}},
	{true, &calls.new_wide, {"_ZN2v86String14NewFromTwoByteEPNS_7IsolateEPKtNS_13NewStringTypeEi"}},
	{true, &calls.current_isolate, {"_ZN2v87Isolate10GetCurrentEv"}},
	{true, &calls.compile_wasm,
		{"_ZN2v816WasmModuleObject7CompileEPNS_7IsolateENS_10MemorySpanIKhEE"}},
	{false, &calls.set_message_of_refused_text,
		{"_ZN2v87Context43SetErrorMessageForCodeGenerationFromStringsENS_5LocalINS_6StringEEE"}},
	{false, &calls.set_message_of_refused_wasm,
		{"_ZN2v87Context36SetErrorMessageForWasmCodeGenerationENS_5LocalINS_6StringEEE"}},
	{true, &calls.environment_of, {"_ZN4node21GetCurrentEnvironmentEN2v85LocalINS0_7ContextEEE"}},
};

/* Where Node.js has its read-only memory, and where its code is. */
enum { MAX_RANGES = 8 };
struct range {
	uintptr_t first;
	uintptr_t end;
};
static DECIDES struct {
	struct range read_only[MAX_RANGES];
	struct range code[MAX_RANGES];
	size_t read_only_count;
	size_t code_count;
} own;

static void add_range(struct range *ranges, size_t *count, uintptr_t first, size_t length)
{
	if (*count < MAX_RANGES)
		ranges[(*count)++] = (struct range){first, first + length};
}

static bool contains(const struct range *ranges, size_t count, uintptr_t first, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (first >= ranges[i].first && first <= ranges[i].end && length <= ranges[i].end - first)
			return true;
	}
	return false;
}

static bool has_function(const struct dl_phdr_info *object, const void *function)
{
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const uintptr_t first = object->dlpi_addr + segment->p_vaddr;
		if (segment->p_type == PT_LOAD && (uintptr_t)function - first < segment->p_memsz)
			return true;
	}
	return false;
}

/* Takes the ranges of the objects that contain the compiler and libuv: the program alone, or
 * libraries of a distribution. Only the one with the compiler has sources. */
static int take_ranges(struct dl_phdr_info *object, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	const bool has_sources = has_function(object, targets.compile_script);
	if (!has_sources && !has_function(object, calls.libuv))
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const uintptr_t first = object->dlpi_addr + segment->p_vaddr;
		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
			continue;
		if (has_sources)
			add_range(own.read_only, &own.read_only_count, first, segment->p_memsz);
		if ((segment->p_flags & PF_X) != 0)
			add_range(own.code, &own.code_count, first, segment->p_memsz);
	}
	return 0;
}

bool find_engine(void)
{
	for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
		const struct function *function = &FUNCTIONS[i];
		void *found = NULL;
		for (size_t k = 0; k < MAX_NAMES && found == NULL && function->names[k] != NULL; k++)
			found = real_dlsym()(RTLD_DEFAULT, function->names[k]);
		if (found == NULL && function->is_required) {
			missing_function = function->names[0];
			return false;
		}
		memcpy(function->place, &found, sizeof found);
	}
	if (calls.write == NULL && calls.old_write == NULL) {
		missing_function = "String::WriteV2";
		return false;
	}
	dl_iterate_phdr(take_ranges, NULL);
	return true;
}

bool is_application(void)
{
	return calls.is_application != NULL && calls.is_application();
}

bool is_string(const void *value)
{
	return calls.is_string(value);
}

size_t string_length(const void *string)
{
	return (size_t)calls.length(string);
}

void read_units(const void *string, size_t first, size_t count, uint16_t *units)
{
	enum { MANY_WRITES = 1, NO_NUL = 2 }; /* of String::WriteOptions */
	void *isolate = calls.current_isolate();
	if (calls.write != NULL)
		calls.write(string, isolate, (uint32_t)first, (uint32_t)count, units, 0);
	else
		calls.old_write(string, isolate, units, (int)first, (int)count, MANY_WRITES | NO_NUL);
}

/* In V8's heap an object begins with a pointer to its map, which describes it. A map has the type
 * of its objects at TYPE_AT. Three bits of a string's type say where its characters are
 * (v8-internal.h). A pointer to an object has TAG added to it. */
bool has_own_characters(const void *string)
{
	enum { TAG = 1, TYPE_AT = 12, REPRESENTATION = 7, SEQUENTIAL = 0 };
	const uint8_t *object = *(const uint8_t *const *)string - TAG;
	const uint8_t *map = *(const uint8_t *const *)object - TAG;
	uint16_t type;
	memcpy(&type, map + TYPE_AT, sizeof type);
	return (type & REPRESENTATION) == SEQUENTIAL;
}

enum { INTERNALIZED = 1 }; /* a NewStringType */

const void *new_narrow_string(const uint8_t *characters, size_t length)
{
	return calls.new_narrow(calls.current_isolate(), characters, INTERNALIZED, (int)length);
}

const void *new_wide_string(const uint16_t *units, size_t length)
{
	return calls.new_wide(calls.current_isolate(), units, INTERNALIZED, (int)length);
}

bool is_own_memory(const void *memory, size_t length)
{
	return contains(own.read_only, own.read_only_count, (uintptr_t)memory, length);
}

uint8_t *find_own_constant(const void *bytes, size_t length)
{
	for (size_t i = 0; i < own.read_only_count; i++) {
		const struct range *range = &own.read_only[i];
		if (is_own_code((const void *)range->first))
			continue;
		uint8_t *found =
			memmem((const void *)range->first, range->end - range->first, bytes, length);
		if (found != NULL)
			return found;
	}
	return NULL;
}

bool is_own_code(const void *address)
{
	return contains(own.code, own.code_count, (uintptr_t)address, 1);
}

struct code code_of_node(void)
{
	const uintptr_t page = (uintptr_t)getpagesize();
	struct code code = {NULL, (uint8_t *)((uintptr_t)calls.read_field & ~(page - 1))};
	for (size_t i = 0; i < own.code_count; i++) {
		if (contains(&own.code[i], 1, (uintptr_t)calls.read_field, 1))
			code.first = (uint8_t *)(own.code[i].first & ~(page - 1));
	}
	return code;
}

static bool is_same(const uint16_t *units, size_t count, const uint8_t *narrow)
{
	for (size_t i = 0; i < count; i++) {
		if (units[i] != narrow[i])
			return false;
	}
	return true;
}

/* Returns true if the characters at `memory`, each of `width` bytes, are those of the string. There
 * must be as many. */
static bool has_units(const void *string, const uint8_t *memory, size_t width)
{
	enum { MOST_UNITS = 2048 };
	const size_t length = string_length(string);
	for (size_t at = 0; at < length; at += MOST_UNITS) {
		uint16_t units[MOST_UNITS];
		const size_t rest = length - at;
		const size_t count = rest < MOST_UNITS ? rest : MOST_UNITS;
		const uint8_t *part = memory + at * width;
		read_units(string, at, count, units);
		if (width == 1 ? !is_same(units, count, part)
					   : memcmp(units, part, count * sizeof *units) != 0)
			return false;
	}
	return true;
}

/* An external string refers to a C++ object, its resource, which begins with a pointer to its
 * virtual functions. One of the next two words is the address of the characters. The first of them
 * is a cache, which may be empty. */
bool is_own_source(const void *string)
{
	const bool is_narrow = calls.is_external_one_byte(string);
	if (!is_narrow && !calls.is_external_two_byte(string))
		return false;
	int encoding;
	const size_t width = is_narrow ? 1 : 2;
	const void *const *resource = calls.resource_of(string, &encoding);
	if (resource == NULL)
		return false;
	for (size_t word = 1; word <= 2; word++) {
		const void *memory = resource[word];
		if (is_own_memory(memory, string_length(string) * width) &&
			has_units(string, memory, width))
			return true;
	}
	return false;
}

const void *compile_wasm(const uint8_t *bytes, size_t length)
{
	return calls.compile_wasm(calls.current_isolate(), bytes, length);
}

bool is_of_node(const void *context)
{
	return calls.environment_of(context) != NULL;
}

static void set_message(
	void (*set)(const void *, const void *), const void *context, const char *message)
{
	const void *text = new_narrow_string((const uint8_t *)message, strlen(message));
	if (text != NULL && set != NULL)
		set(context, text);
}

void set_message_of_refused_text(const void *context, const char *message)
{
	set_message(calls.set_message_of_refused_text, context, message);
}

void set_message_of_refused_wasm(const void *context, const char *message)
{
	set_message(calls.set_message_of_refused_wasm, context, message);
}
