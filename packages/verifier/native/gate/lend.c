/* Makes strings whose characters are outside of V8's heap, by Node-API, and knows them again.
 *
 * V8 has a kind of object for them, with the address of the characters. Its headers do not say how
 * to read that address, so the gate looks at a string of its own, and then trusts only objects with
 * the same map. A map says what an object is. The maps of strings are the same in all threads, and
 * V8 never moves them. */
#define _GNU_SOURCE
#include "../libraries/look-up.h"
#include "engine.h"
#include <dlfcn.h>
#include <string.h>

typedef int new_lent(void *environment, const void *characters, size_t count, void *finalize,
	void *hint, const void **string, bool *is_copied);
static int (*new_object)(void *environment, const void **object);
static int (*has_own_property)(
	void *environment, const void *object, const void *key, bool *result);

/* How V8 keeps narrow strings, and wide ones. */
static struct kind {
	bool was_tried;
	new_lent *make;
	const void *_Atomic map;
	const void *_Atomic internalized_map; /* NULL unless such strings can be known again */
} kinds[2];

struct object {
	const void *map;
	uint64_t hash_and_length;
	const void *resource;
	const void *characters;
};

static const struct object *object_of(const void *string)
{
	enum { TAG = 1 };
	return (const struct object *)(*(const uint8_t *const *)string - TAG);
}

static void *find(const char *name)
{
	return real_dlsym()(RTLD_DEFAULT, name);
}

static bool find_functions(struct kind *kind, bool is_wide)
{
	void *const found[] = {
		find(is_wide ? "node_api_create_external_string_utf16"
					 : "node_api_create_external_string_latin1"),
		find("napi_create_object"),
		find("napi_has_own_property"),
	};
	memcpy(&kind->make, &found[0], sizeof found[0]);
	memcpy(&new_object, &found[1], sizeof found[1]);
	memcpy(&has_own_property, &found[2], sizeof found[2]);
	return kind->make != NULL && new_object != NULL && has_own_property != NULL;
}

/* Looks for a member with this name, for which V8 internalizes the string in its place. To set a
 * member would call the program, if it has given Object.prototype a setter of this name. */
static bool internalize(void *environment, const void *string)
{
	const void *object = NULL;
	bool is_member = false;
	return new_object(environment, &object) == 0 &&
		has_own_property(environment, object, string, &is_member) == 0;
}

static void learn_maps(struct kind *kind, void *environment, const struct characters *characters)
{
	const void *string = NULL;
	bool is_copied = false;
	if (kind->make(environment, characters->memory, characters->count, NULL, NULL, &string,
			&is_copied) != 0 ||
		is_copied || object_of(string)->characters != characters->memory)
		return;
	const void *map = object_of(string)->map;
	if (!internalize(environment, string) || object_of(string)->map == map ||
		object_of(string)->characters != characters->memory)
		return;
	kind->map = map;
	kind->internalized_map = object_of(string)->map;
}

bool can_lend(void *environment, bool is_wide)
{
	static const uint8_t NARROW[] = "sigtool-gate";
	static const uint16_t WIDE[] = {0x2713, 's', 'i', 'g', 't', 'o', 'o', 'l', '-', 'g', 'a', 't'};
	struct kind *kind = &kinds[is_wide];
	const size_t count = sizeof WIDE / sizeof *WIDE;
	const struct characters probe = {is_wide ? (const void *)WIDE : NARROW, count, is_wide};
	if (!kind->was_tried) {
		kind->was_tried = true;
		if (find_functions(kind, is_wide))
			learn_maps(kind, environment, &probe);
	}
	return kind->internalized_map != NULL;
}

const void *lend(void *environment, const struct characters *characters, bool is_internalized)
{
	const struct kind *kind = &kinds[characters->is_wide];
	const void *string = NULL;
	bool is_copied = false;
	const int status = kind->make(
		environment, characters->memory, characters->count, NULL, NULL, &string, &is_copied);
	if (status != 0 || (is_internalized && !internalize(environment, string)))
		return NULL;
	return string;
}

const void *lent_memory(const void *string, bool *is_wide, bool *is_internalized)
{
	const struct object *object = object_of(string);
	for (size_t i = 0; i < 2; i++) {
		const void *internalized = kinds[i].internalized_map;
		*is_wide = i == 1;
		*is_internalized = object->map == internalized;
		if (internalized != NULL && (*is_internalized || object->map == kinds[i].map))
			return object->characters;
	}
	return NULL;
}
