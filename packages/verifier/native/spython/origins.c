/* Keeps digests of what the open-code hook let pass.
 *
 * Guarantees that nothing in the list comes from the program: only the hook adds to it, from the
 * bytes that it has judged. */
#include "origins.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

enum { PYC_HEADER = 16 }; /* the bytes of a .pyc before the marshalled code, PEP 552 */

/* A content that may become code. */
static struct origin {
	uint8_t digest[SHA256_BYTES]; /* for a .pyc that of the whole file, else that of the text */
	uint8_t header[PYC_HEADER]; /* for a .pyc */
	size_t size; /* the size of a .pyc in bytes, or 0 for text */
	enum caller file;
} *origins;
static size_t count;
static size_t room;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A copy of the .pyc that this thread opened last. Nearly all marshalled code is that of this file,
 * and comparing is faster than digesting. */
static _Thread_local struct {
	char *bytes;
	size_t size;
	size_t room;
	enum caller file;
} last;

/* Returns true if `path` ends with `end`, which a slash precedes. */
static bool ends_with(const char *path, const char *end)
{
	const size_t length = strlen(path);
	const size_t end_length = strlen(end);
	return length > end_length && path[length - end_length - 1] == '/' &&
		strcmp(path + length - end_length, end) == 0;
}

/* Writes the path of a module without its suffixes and `__pycache__`, and that of a package without
 * `__init__`. */
static void write_stem(const char *real, char stem[PATH_MAX])
{
	static const char CACHE[] = "/__pycache__/";
	strcpy(stem, real); /* a real path is shorter than PATH_MAX */
	char *cache = strstr(stem, CACHE);
	if (cache != NULL)
		memmove(cache + 1, cache + sizeof CACHE - 1, strlen(cache + sizeof CACHE - 1) + 1);
	char *name = strrchr(stem, '/');
	name[strcspn(name, ".")] = '\0';
	if (strcmp(name, "/__init__") == 0)
		*name = '\0';
}

/* Returns the kind of callers that a file contains. */
static enum caller callers_in(const char *real)
{
	char stem[PATH_MAX];
	char named[PATH_MAX];
	write_stem(real, stem);
	EACH(each, rules.string_code_from) {
		snprintf(named, sizeof named, "%s", each->text);
		for (char *dot = strchr(named, '.'); dot != NULL; dot = strchr(dot, '.'))
			*dot = '/';
		if (ends_with(stem, named))
			return NAMED_CALLER;
	}
	if (strncmp(stem, SPYTHON_HOME "/", sizeof SPYTHON_HOME) != 0)
		return NO_CALLER;
	if (ends_with(stem, "python" SPYTHON_RELEASE "/collections"))
		return NAMEDTUPLE;
	if (ends_with(stem, "python" SPYTHON_RELEASE "/typing"))
		return FORWARD_REF;
	if (ends_with(stem, "python" SPYTHON_RELEASE "/dataclasses"))
		return DATACLASS;
	if (ends_with(stem, "python" SPYTHON_RELEASE "/inspect"))
		return SIGNATURE;
	return NO_CALLER;
}

/* Adds an origin, unless it is there already: a program can load a file again and again. */
static bool append(const struct origin *origin)
{
	bool fits = false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count && !fits; i++)
		fits = origins[i].size == origin->size && origins[i].file == origin->file &&
			memcmp(origins[i].digest, origin->digest, SHA256_BYTES) == 0;
	if (!fits && count == room) {
		struct origin *longer = realloc(origins, (2 * room + 64) * sizeof *origins);
		if (longer != NULL) {
			origins = longer;
			room = 2 * room + 64;
		}
	}
	if (!fits && count < room) {
		origins[count++] = *origin;
		fits = true;
	}
	pthread_mutex_unlock(&lock);
	return fits;
}

/* Digests the header, which may be null, and the bytes behind it. */
static bool digest(const uint8_t *header, const void *bytes, size_t length, uint8_t *to)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const bool is_done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
		(header == NULL || EVP_DigestUpdate(context, header, PYC_HEADER)) &&
		EVP_DigestUpdate(context, bytes, length) && EVP_DigestFinal_ex(context, to, NULL);
	EVP_MD_CTX_free(context);
	return is_done;
}

static bool keep_as_last(const char *bytes, size_t size, enum caller file)
{
	last.size = 0;
	if (size > last.room) {
		free(last.bytes);
		last.bytes = malloc(size);
		last.room = last.bytes == NULL ? 0 : size;
	}
	if (last.bytes == NULL)
		return false;
	memcpy(last.bytes, bytes, size);
	last.size = size;
	last.file = file;
	return true;
}

/* Returns true if the content begins with the magic number of this Python's bytecode. */
static bool is_bytecode(const char *content, size_t size)
{
	static uint32_t magic; /* read once, before a program could change it */
	if (magic == 0)
		magic = (uint32_t)PyImport_GetMagicNumber();
	const uint8_t number[] = {
		(uint8_t)magic, (uint8_t)(magic >> 8), (uint8_t)(magic >> 16), (uint8_t)(magic >> 24)};
	return size >= PYC_HEADER && memcmp(content, number, sizeof number) == 0;
}

/* Notes each line of a .pth file that `site` executes. */
static bool note_lines(const char *content, size_t size)
{
	const char *end = content + size;
	bool is_noted = true;
	while (content < end && is_noted) {
		const size_t length = strcspn(content, "\r\n");
		struct origin origin = {.file = NO_CALLER};
		if (strncmp(content, "import", 6) == 0)
			is_noted = digest(NULL, content, length, origin.digest) && append(&origin);
		content += length + 1;
	}
	return is_noted;
}

/* Python ends the content of a bytes object with a NUL, so texts can be searched as strings. */
bool note_origin(const char *real, const uint8_t file_digest[SHA256_BYTES], PyObject *bytes)
{
	const char *content = PyBytes_AS_STRING(bytes);
	const size_t size = (size_t)PyBytes_GET_SIZE(bytes);
	const char *suffix = strrchr(real, '.');
	struct origin origin = {.file = callers_in(real)};
	bool is_noted = true;
	if (rules.mode < MODE_ENFORCE && rules.python_code == STRING_CODE_AUDIT)
		return true; /* nothing is judged by it */
	memcpy(origin.digest, file_digest, SHA256_BYTES);
	if (is_bytecode(content, size)) {
		memcpy(origin.header, content, PYC_HEADER);
		origin.size = size;
		is_noted = keep_as_last(content, size, origin.file);
	} else if (suffix != NULL && strcmp(suffix, ".pth") == 0) {
		is_noted = note_lines(content, size);
	}
	if (is_noted && append(&origin))
		return true;
	PyErr_NoMemory();
	return false;
}

/* Finds a text by its digest. */
static bool find_origin(const uint8_t text[SHA256_BYTES], enum caller *file)
{
	bool is_found = false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count && !is_found; i++) {
		is_found = origins[i].size == 0 && memcmp(origins[i].digest, text, SHA256_BYTES) == 0;
		if (is_found)
			*file = origins[i].file;
	}
	pthread_mutex_unlock(&lock);
	return is_found;
}

bool is_text_of_file(const char *text, size_t length, enum caller *file)
{
	uint8_t own[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	*file = NO_CALLER;
	if (!digest(NULL, text, length, own))
		return false;
	to_hex(own, hex);
	if (denied("file", hex) != NULL)
		return false;
	if (find_origin(own, file) || find_content(own))
		return true;
	/* `site` of some releases leaves the line break at the end of a line in a .pth file. */
	if (length > 0 && text[length - 1] == '\n' && digest(NULL, text, length - 1, own) &&
		find_origin(own, file))
		return true;
	return is_in_archive(text, length, 0);
}

/* Takes the origin of this number, if there is one. */
static bool take_origin(size_t number, struct origin *origin)
{
	pthread_mutex_lock(&lock);
	const bool is_there = number < count;
	if (is_there)
		*origin = origins[number];
	pthread_mutex_unlock(&lock);
	return is_there;
}

bool is_code_of_file(const char *code, size_t length, enum caller *file)
{
	uint8_t own[SHA256_BYTES];
	struct origin origin;
	*file = last.file;
	if (last.size == length + PYC_HEADER && memcmp(last.bytes + PYC_HEADER, code, length) == 0)
		return true;
	for (size_t i = 0; take_origin(i, &origin); i++) {
		*file = origin.file;
		if (origin.size == length + PYC_HEADER && digest(origin.header, code, length, own) &&
			memcmp(own, origin.digest, SHA256_BYTES) == 0)
			return true;
	}
	*file = NO_CALLER;
	return is_in_archive(code, length, PYC_HEADER);
}

bool note_built_in_code(const char *code, size_t length)
{
	struct origin origin = {.file = NO_CALLER};
	return digest(NULL, code, length, origin.digest) && append(&origin);
}

bool is_built_in_code(const char *code, size_t length)
{
	uint8_t own[SHA256_BYTES];
	enum caller file;
	return digest(NULL, code, length, own) && find_origin(own, &file);
}
