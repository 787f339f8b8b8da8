/* Looks for a content among the files of zip archives that the open-code hook let pass. zipimport
 * reads modules out of them by itself, so the hook does not see the modules.
 *
 * Understands what zipimport does: entries that are stored or deflated, one disk, no ZIP64. The
 * archives are signed, but nothing here relies on that: every offset is checked. */
#include "kept.h"
#include "origins.h"

enum {
	END_BYTES = 22, /* the end record without its comment */
	MAX_COMMENT = 65535,
	LISTED_BYTES = 46, /* an entry of the list without its name */
	LOCAL_BYTES = 30, /* the header before a file's content without its name */
	STORED = 0,
	DEFLATED = 8,
};

struct archive {
	const uint8_t *bytes;
	size_t size;
	size_t list; /* the offset of the list of files */
	size_t shift; /* the bytes before the archive, such as a line that names an interpreter */
};

/* A file in an archive. */
struct packed {
	const uint8_t *bytes;
	size_t packed_size;
	size_t size;
	int method;
};

/* The content that is looked for. */
struct wanted {
	const char *content;
	size_t length;
	size_t skipped;
};

static uint32_t number16(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t number32(const uint8_t *at)
{
	return number16(at) | number16(at + 2) << 16;
}

/* Returns false if the bytes are no archive. */
static bool open_archive(PyObject *bytes, struct archive *archive)
{
	const uint8_t *content = (const uint8_t *)PyBytes_AS_STRING(bytes);
	const size_t size = (size_t)PyBytes_GET_SIZE(bytes);
	for (size_t before = END_BYTES; before <= size && before <= END_BYTES + MAX_COMMENT; before++) {
		const uint8_t *end = content + size - before;
		if (memcmp(end, "PK\5\6", 4) != 0)
			continue;
		const size_t list_size = number32(end + 12);
		const size_t list_offset = number32(end + 16);
		if (list_size + list_offset > size - before)
			return false;
		const size_t list = size - before - list_size;
		*archive = (struct archive){content, size, list, list - list_offset};
		return true;
	}
	return false;
}

bool is_archive(PyObject *bytes)
{
	struct archive archive;
	return open_archive(bytes, &archive);
}

/* Reads the entry of the list at the offset `at`, and returns the offset of the next. Returns 0 if
 * there is no entry. */
static size_t read_entry(const struct archive *archive, size_t at, struct packed *packed)
{
	if (at + LISTED_BYTES > archive->size)
		return 0;
	const uint8_t *entry = archive->bytes + at;
	if (memcmp(entry, "PK\1\2", 4) != 0)
		return 0;
	const size_t local = archive->shift + number32(entry + 42);
	*packed = (struct packed){NULL, number32(entry + 20), number32(entry + 24), 0};
	packed->method = (int)number16(entry + 10);
	if (local + LOCAL_BYTES <= archive->size) {
		const uint8_t *header = archive->bytes + local;
		const size_t content = local + LOCAL_BYTES + number16(header + 26) + number16(header + 28);
		if (content + packed->packed_size <= archive->size)
			packed->bytes = archive->bytes + content;
	}
	return at + LISTED_BYTES + number16(entry + 28) + number16(entry + 30) + number16(entry + 32);
}

/* Returns the function decompress() of the module zlib, or null without an exception. A program can
 * exchange the function, but only by one that is not zlib's. */
static PyObject *zlib_decompress(void)
{
	PyObject *zlib = PyImport_ImportModule("zlib");
	PyObject *function = zlib == NULL ? NULL : PyObject_GetAttrString(zlib, "decompress");
	Py_XDECREF(zlib);
	if (function != NULL && Py_TYPE(function) == &PyCFunction_Type) {
		PyObject *self = PyCFunction_GET_SELF(function);
		const PyModuleDef *module =
			self != NULL && PyModule_Check(self) ? PyModule_GetDef(self) : NULL;
		const char *name = ((PyCFunctionObject *)function)->m_ml->ml_name;
		if (module != NULL && strcmp(module->m_name, "zlib") == 0 &&
			strcmp(name, "decompress") == 0)
			return function;
	}
	Py_XDECREF(function);
	PyErr_Clear();
	return NULL;
}

/* Returns the content of a file as a new bytes object, or null without an exception. */
static PyObject *unpack(const struct packed *packed)
{
	enum { RAW_DEFLATE = -15 };
	PyObject *content = NULL;
	const char *bytes = (const char *)packed->bytes;
	const Py_ssize_t size = (Py_ssize_t)packed->packed_size;
	if (packed->method == STORED)
		content = PyBytes_FromStringAndSize(bytes, size);
	PyObject *decompress = packed->method == DEFLATED ? zlib_decompress() : NULL;
	if (decompress != NULL)
		content = PyObject_CallFunction(decompress, "y#i", bytes, size, RAW_DEFLATE);
	Py_XDECREF(decompress);
	PyErr_Clear();
	if (content != NULL && !PyBytes_CheckExact(content))
		Py_CLEAR(content);
	return content;
}

/* Compares a file's content with text in which zipimport has replaced \r\n and \r by \n. */
static bool is_same_text(const char *file, size_t size, const struct wanted *wanted)
{
	size_t at = 0;
	for (size_t i = 0; i < size; i++) {
		const bool ends_pair = file[i] == '\n' && i > 0 && file[i - 1] == '\r';
		if (ends_pair)
			continue;
		const char character = file[i] == '\r' ? '\n' : file[i];
		if (at == wanted->length || wanted->content[at] != character)
			return false;
		at++;
	}
	return at == wanted->length;
}

static bool has_content(const struct packed *packed, const struct wanted *wanted)
{
	const size_t whole = wanted->length + wanted->skipped;
	/* Text can be longer in the archive, by one \r a line. */
	const bool may_be = packed->size == whole ||
		(wanted->skipped == 0 && packed->size > whole && packed->size <= 2 * whole);
	PyObject *content = packed->bytes != NULL && may_be ? unpack(packed) : NULL;
	if (content == NULL)
		return false;
	const char *bytes = PyBytes_AS_STRING(content);
	const size_t size = (size_t)PyBytes_GET_SIZE(content);
	bool is_same =
		size == whole && memcmp(bytes + wanted->skipped, wanted->content, wanted->length) == 0;
	if (!is_same && wanted->skipped == 0)
		is_same = is_same_text(bytes, size, wanted);
	Py_DECREF(content);
	return is_same;
}

bool is_in_archive(const char *content, size_t length, size_t skipped)
{
	const struct wanted wanted = {content, length, skipped};
	struct archive archive;
	struct packed packed;
	PyObject *bytes;
	for (size_t i = 0; (bytes = kept_bytes(i)) != NULL; i++) {
		if (!open_archive(bytes, &archive))
			continue;
		size_t at = read_entry(&archive, archive.list, &packed);
		while (at != 0) {
			if (has_content(&packed, &wanted))
				return true;
			at = read_entry(&archive, at, &packed);
		}
	}
	return false;
}
