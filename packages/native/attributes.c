#define _GNU_SOURCE
#include "attributes.h"

#include <stdio.h>
#include <string.h>

#ifdef __linux__

#include <errno.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, VALUE_BYTES = ATTRIBUTE_PREFIX_BYTES + 2 * ATTRIBUTE_DIGEST_BYTES };

static bool read_attribute(struct attribute *attribute, napi_env env, napi_value given);
static size_t encode(const struct attribute *attribute, const uint8_t *digest, uint8_t *value);
static bool lies_at(int file, const char *path);

bool read_attributes(struct attributes *attributes, napi_env env, napi_value given)
{
	napi_value list, counts;
	uint32_t count;
	void *data;
	if (napi_get_named_property(env, given, "attributes", &list) ||
		napi_get_array_length(env, list, &count) || count > MOST_ATTRIBUTES ||
		napi_get_named_property(env, given, "counts", &counts) ||
		napi_get_typedarray_info(env, counts, NULL, NULL, &data, NULL, NULL))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		napi_value attribute;
		if (napi_get_element(env, list, i, &attribute) ||
			!read_attribute(&attributes->list[i], env, attribute))
			return false;
	}
	attributes->count = (int)count;
	attributes->counts = data;
	return true;
}

static bool read_attribute(struct attribute *attribute, napi_env env, napi_value given)
{
	napi_value name, prefix, text;
	size_t name_bytes, text_bytes;
	void *octets;
	char form[8];
	if (napi_get_named_property(env, given, "name", &name) ||
		napi_get_named_property(env, given, "prefix", &prefix) ||
		napi_get_named_property(env, given, "text", &text) ||
		napi_get_value_string_utf8(
			env, name, attribute->name, sizeof attribute->name, &name_bytes) ||
		napi_get_value_string_utf8(env, text, form, sizeof form, &text_bytes) ||
		napi_get_typedarray_info(env, prefix, NULL, &attribute->prefix_bytes, &octets, NULL, NULL))
		return false;
	/* A name that was cut, or holds a NUL, is another attribute's. */
	if (name_bytes >= sizeof attribute->name - 1 || strlen(attribute->name) != name_bytes ||
		attribute->prefix_bytes > sizeof attribute->prefix)
		return false;
	if (attribute->prefix_bytes)
		memcpy(attribute->prefix, octets, attribute->prefix_bytes);
	attribute->hex = !strcmp(form, "hex");
	return true;
}

bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment)
{
	attachment->written = 0;
	for (int i = 0; i < attributes->count; i++) {
		const char *name = attributes->list[i].name;
		uint8_t value[VALUE_BYTES], *present = attachment->before[attachment->written].value;
		size_t bytes = encode(&attributes->list[i], digest, value);
		ssize_t had = fgetxattr(file, name, present, PREVIOUS_BYTES);
		if (had == (ssize_t)bytes && !memcmp(present, value, bytes))
			continue;
		attachment->before[attachment->written].attribute = i;
		attachment->before[attachment->written].bytes = had;
		if ((had < 0 && errno != ENODATA) || (attachment->written == 0 && !lies_at(file, path)) ||
			fsetxattr(file, name, value, bytes, 0)) {
			detach(attributes, file, attachment);
			return false;
		}
		attachment->written++;
	}
	return true;
}

void detach(const struct attributes *attributes, int file, const struct attachment *attachment)
{
	for (int i = 0; i < attachment->written; i++) {
		const char *name = attributes->list[attachment->before[i].attribute].name;
		if (attachment->before[i].bytes < 0)
			fremovexattr(file, name);
		else
			fsetxattr(
				file, name, attachment->before[i].value, (size_t)attachment->before[i].bytes, 0);
	}
}

void count_attached(const struct attributes *attributes, const struct attachment *attachment)
{
	int next = 0;
	for (int i = 0; i < attributes->count; i++) {
		bool wrote = next < attachment->written && attachment->before[next].attribute == i;
		next += wrote;
		atomic_fetch_add(&attributes->counts[2 * i + !wrote], 1);
	}
}

static size_t encode(const struct attribute *attribute, const uint8_t *digest, uint8_t *value)
{
	static const char digits[] = "0123456789abcdef";
	memcpy(value, attribute->prefix, attribute->prefix_bytes);
	uint8_t *next = value + attribute->prefix_bytes;
	for (int i = 0; i < ATTRIBUTE_DIGEST_BYTES; i++) {
		if (attribute->hex)
			*next++ = (uint8_t)digits[digest[i] >> 4];
		*next++ = attribute->hex ? (uint8_t)digits[digest[i] & 15] : digest[i];
	}
	return (size_t)(next - value);
}

/* A directory on the way that was replaced by a link would lead out of the tree. */
static bool lies_at(int file, const char *path)
{
	char link[32], place[PATH_BYTES];
	snprintf(link, sizeof link, "/proc/self/fd/%d", file);
	ssize_t bytes = readlink(link, place, sizeof place);
	return bytes == (ssize_t)strlen(path) && !memcmp(place, path, (size_t)bytes);
}

#else

bool read_attributes(struct attributes *attributes, napi_env env, napi_value given)
{
	(void)attributes, (void)env, (void)given;
	return false;
}

bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment)
{
	(void)attributes, (void)file, (void)path, (void)digest, (void)attachment;
	return false;
}

void detach(const struct attributes *attributes, int file, const struct attachment *attachment)
{
	(void)attributes, (void)file, (void)attachment;
}

void count_attached(const struct attributes *attributes, const struct attachment *attachment)
{
	(void)attributes, (void)attachment;
}

#endif
