/* Makes strings whose characters are outside of V8's heap, by Node-API, and knows them again.
 *
 * V8 has a kind of object for them, with the address of the characters. Its headers do not say how
 * to read that address, so the gate looks at a string of its own, and then trusts only objects with
 * the same map. A map says what an object is. The maps of strings are the same in all threads, and
 * V8 never moves them. */
#define _GNU_SOURCE
#include "../libraries/look-up.h"
#include "../shared/process/decisions.h"
#include "engine.h"
#include <dlfcn.h>
#include <string.h>

typedef int new_lent(void *environment, const void *characters, size_t count, void *finalize,
	void *hint, const void **string, bool *is_copied);

/* How V8 keeps such strings. The first string decides it, and then nobody can change it. */
static DECIDES struct knowledge {
	bool was_tried;
	int (*new_object)(void *environment, const void **object);
	int (*has_own_property)(void *environment, const void *object, const void *key, bool *result);
	struct kind {
		new_lent *make;
		const void *_Atomic map; /* of internalized ones; NULL unless they can be known again */
	} kinds[2]; /* of narrow strings, and of wide ones */
} *known;

void prepare_lending(void)
{
	known = keep_pages(sizeof *known);
}

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
	memcpy(&known->new_object, &found[1], sizeof found[1]);
	memcpy(&known->has_own_property, &found[2], sizeof found[2]);
	return kind->make != NULL && known->new_object != NULL && known->has_own_property != NULL;
}

/* Looks for a member with this name, for which V8 internalizes the string in its place. To set a
 * member would call the program, if it has given Object.prototype a setter of this name. */
static bool internalize(void *environment, const void *string)
{
	const void *object = NULL;
	bool is_member = false;
	return known->new_object(environment, &object) == 0 &&
		known->has_own_property(environment, object, string, &is_member) == 0;
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
	kind->map = object_of(string)->map;
}

static void learn_kind(void *environment, bool is_wide)
{
	static const uint8_t NARROW[] = "sigtool-gate";
	static const uint16_t WIDE[] = {0x2713, 's', 'i', 'g', 't', 'o', 'o', 'l', '-', 'g', 'a', 't'};
	struct kind *kind = &known->kinds[is_wide];
	const size_t count = sizeof WIDE / sizeof *WIDE;
	const struct characters probe = {is_wide ? (const void *)WIDE : NARROW, count, is_wide};
	if (find_functions(kind, is_wide))
		learn_maps(kind, environment, &probe);
}

bool can_lend(void *environment)
{
	if (known == NULL)
		return false;
	if (!known->was_tried) {
		known->was_tried = true;
		learn_kind(environment, false);
		learn_kind(environment, true);
		if (!seal_pages(known, sizeof *known))
			return false;
	}
	return known->kinds[0].map != NULL && known->kinds[1].map != NULL;
}

const void *lend(void *environment, const struct characters *characters)
{
	const struct kind *kind = &known->kinds[characters->is_wide];
	const void *string = NULL;
	bool is_copied = false;
	const int status = kind->make(
		environment, characters->memory, characters->count, NULL, NULL, &string, &is_copied);
	return status == 0 && internalize(environment, string) ? string : NULL;
}

const void *lent_memory(const void *string, bool *is_wide)
{
	const struct object *object = object_of(string);
	for (size_t i = 0; known != NULL && i < 2; i++) {
		const void *map = known->kinds[i].map;
		*is_wide = i == 1;
		if (map != NULL && object->map == map)
			return object->characters;
	}
	return NULL;
}
