/* Guarantees the contracts of attributes.h by the extended attributes of Linux. On other systems
 * each call leaves the work to JavaScript. */
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
static bool write_value(const struct attributes *attributes, int index, int file, const char *path,
	const uint8_t *digest, struct attachment *attachment);
static size_t encode(const struct attribute *attribute, const uint8_t *digest, uint8_t *value);
static bool lies_at(int file, const char *path);

bool read_attributes(struct attributes *attributes, napi_env env, napi_value given)
{
	napi_value list;
	uint32_t count;
	if (napi_get_named_property(env, given, "attributes", &list))
		return false;
	if (napi_get_array_length(env, list, &count) || count > MAX_ATTRIBUTES)
		return false;

	napi_value counts;
	void *data;
	if (napi_get_named_property(env, given, "counts", &counts))
		return false;
	if (napi_get_typedarray_info(env, counts, NULL, NULL, &data, NULL, NULL))
		return false;

	for (uint32_t i = 0; i < count; i++) {
		napi_value attribute;
		if (napi_get_element(env, list, i, &attribute))
			return false;
		if (!read_attribute(&attributes->list[i], env, attribute))
			return false;
	}
	attributes->count = (int)count;
	attributes->counts = data;
	return true;
}

/* Reads a DigestAttribute. Returns false for wrong types and for a prefix that is too long. Also
 * returns false for a name that may have been cut or contains a NUL, because C would then write
 * another attribute. */
static bool read_attribute(struct attribute *attribute, napi_env env, napi_value given)
{
	napi_value name, prefix, text;
	if (napi_get_named_property(env, given, "name", &name) ||
		napi_get_named_property(env, given, "prefix", &prefix) ||
		napi_get_named_property(env, given, "text", &text))
		return false;

	size_t name_bytes;
	if (napi_get_value_string_utf8(env, name, attribute->name, sizeof attribute->name, &name_bytes))
		return false;
	char form[8];
	size_t form_bytes;
	if (napi_get_value_string_utf8(env, text, form, sizeof form, &form_bytes))
		return false;
	void *prefix_data;
	if (napi_get_typedarray_info(
			env, prefix, NULL, &attribute->prefix_bytes, &prefix_data, NULL, NULL))
		return false;

	if (name_bytes >= sizeof attribute->name - TEXT_CUT_BYTES ||
		strlen(attribute->name) != name_bytes)
		return false;
	if (attribute->prefix_bytes > sizeof attribute->prefix)
		return false;
	if (attribute->prefix_bytes > 0)
		memcpy(attribute->prefix, prefix_data, attribute->prefix_bytes);
	attribute->hex = strcmp(form, "hex") == 0;
	return true;
}

bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment)
{
	attachment->written = 0;
	for (int i = 0; i < attributes->count; i++) {
		const bool is_written = write_value(attributes, i, file, path, digest, attachment);
		if (is_written)
			continue;
		detach(attributes, file, attachment);
		return false;
	}
	return true;
}

/* Writes one attribute, if its value differs, and records the previous value in `attachment`.
 * Returns false if the attribute cannot be read or written, or if the file is not at `path`. */
static bool write_value(const struct attributes *attributes, int index, int file, const char *path,
	const uint8_t *digest, struct attachment *attachment)
{
	const struct attribute *attribute = &attributes->list[index];
	struct previous_value *before = &attachment->before[attachment->written];
	uint8_t value[VALUE_BYTES];
	const size_t bytes = encode(attribute, digest, value);
	const ssize_t had = fgetxattr(file, attribute->name, before->value, PREVIOUS_BYTES);
	if (had == (ssize_t)bytes && memcmp(before->value, value, bytes) == 0)
		return true;
	if (had < 0 && errno != ENODATA)
		return false;
	if (attachment->written == 0 && !lies_at(file, path))
		return false;
	const int failed = fsetxattr(file, attribute->name, value, bytes, 0);
	if (failed)
		return false;
	before->attribute = index;
	before->bytes = had;
	attachment->written++;
	return true;
}

void detach(const struct attributes *attributes, int file, const struct attachment *attachment)
{
	for (int i = 0; i < attachment->written; i++) {
		const struct previous_value *before = &attachment->before[i];
		const char *name = attributes->list[before->attribute].name;
		if (before->bytes < 0)
			fremovexattr(file, name);
		else
			fsetxattr(file, name, before->value, (size_t)before->bytes, 0);
	}
}

void count_attached(const struct attributes *attributes, const struct attachment *attachment)
{
	/* `before` lists only the attributes that were written, in the order of `attributes->list`. */
	int next = 0;
	for (int i = 0; i < attributes->count; i++) {
		const bool wrote = next < attachment->written && attachment->before[next].attribute == i;
		_Atomic int32_t *written = &attributes->counts[2 * i];
		_Atomic int32_t *unchanged = &attributes->counts[2 * i + 1];
		if (wrote)
			next++;
		atomic_fetch_add(wrote ? written : unchanged, 1);
	}
}

/* Writes the attribute's value to `value`, and returns its length in bytes. */
static size_t encode(const struct attribute *attribute, const uint8_t *digest, uint8_t *value)
{
	static const char digits[] = "0123456789abcdef";
	memcpy(value, attribute->prefix, attribute->prefix_bytes);
	uint8_t *text = value + attribute->prefix_bytes;
	if (!attribute->hex) {
		memcpy(text, digest, ATTRIBUTE_DIGEST_BYTES);
		return attribute->prefix_bytes + ATTRIBUTE_DIGEST_BYTES;
	}
	for (int i = 0; i < ATTRIBUTE_DIGEST_BYTES; i++) {
		text[2 * i] = (uint8_t)digits[digest[i] >> 4];
		text[2 * i + 1] = (uint8_t)digits[digest[i] & 15];
	}
	return attribute->prefix_bytes + 2 * ATTRIBUTE_DIGEST_BYTES;
}

/* Returns true if `path` is the real path of the open file. The open file can be outside of the
 * tree if somebody replaced a directory of the path by a link. Then its real path differs from
 * `path`. */
static bool lies_at(int file, const char *path)
{
	char link[32];
	char real[PATH_BYTES];
	snprintf(link, sizeof link, "/proc/self/fd/%d", file);
	const ssize_t bytes = readlink(link, real, sizeof real);
	return bytes == (ssize_t)strlen(path) && memcmp(real, path, (size_t)bytes) == 0;
}

#else

/* This file writes attributes only on Linux. On other systems read_attributes() refuses the job, so
 * JavaScript hashes the files and writes their attributes. */

bool read_attributes(struct attributes *attributes, napi_env env, napi_value given)
{
	(void)attributes;
	(void)env;
	(void)given;
	return false;
}

bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment)
{
	(void)attributes;
	(void)file;
	(void)path;
	(void)digest;
	(void)attachment;
	return false;
}

void detach(const struct attributes *attributes, int file, const struct attachment *attachment)
{
	(void)attributes;
	(void)file;
	(void)attachment;
}

void count_attached(const struct attributes *attributes, const struct attachment *attachment)
{
	(void)attributes;
	(void)attachment;
}

#endif
