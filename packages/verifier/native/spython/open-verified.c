/* Opens, reads and judges every file of code for Python.
 *
 * Guarantees that replacing the file at its path does not change what runs, because all facts come
 * from one descriptor: the type, the size, the real path, the kernel's answer, the content, which
 * is read once, and the digest of exactly these bytes. The event is raised before Python gets these
 * bytes. */
#define _GNU_SOURCE
#include "spython.h"
#include "kept.h"
#include "origins.h"
#include "../shared/digest/digest-file.h"
#include "../shared/files/opened-path.h"
#include "../shared/files/owned-file.h"
#include "../shared/text/words.h"
#include "finding.h"
#include <stdbool.h>
#include <sys/stat.h>

enum { MAX_ARCHIVES = 256 }; /* modules of others are refused where text is judged */

/* Reads as many bytes as fstat(2) reported, digests and returns them. Bytes that were added later
 * are ignored. Returns null with an exception if reading fails. */
static PyObject *read_and_digest(struct opened *file)
{
	const size_t size = (size_t)file->stat.st_size;
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
	if (bytes == NULL)
		return NULL;
	uint8_t *content = (uint8_t *)PyBytes_AS_STRING(bytes);
	const ssize_t length = digest_file(file->descriptor, content, size, false, NULL, file->digest);
	if (length < 0) {
		PyErr_SetFromErrnoWithFilename(PyExc_OSError, file->path);
		Py_DECREF(bytes);
		return NULL;
	}
	if ((size_t)length < size)
		_PyBytes_Resize(&bytes, length); /* leaves null with an exception if it fails */
	return bytes;
}

enum { ARCHIVE_KEY = 2 * PATH_MAX + IDENTITY + 48 };

/* Writes the key under which the trusted bytes of an archive are kept. The bytes are kept because
 * Python opens an archive again for each module in it. The key contains both paths, the text of
 * identity_of(), the owner and the mode, so a changed file has another key. The owner changes
 * without the file if the process enters another user namespace, or another mount covers the path.
 * A new denial changes all keys. Returns false for a file whose bytes are not kept. */
static bool write_archive_key(const struct opened *file, char key[ARCHIVE_KEY])
{
	char identity[IDENTITY];
	const char *suffix = strrchr(file->real, '.');
	const bool is_read_once = suffix != NULL && word_index(suffix, ".py .pyc") >= 0;
	if (denied_index() != NULL || refused_by_term() != NULL || is_read_once)
		return false;
	identity_of(&file->stat, identity);
	snprintf(key, ARCHIVE_KEY, "%u:%s:%s:%s:%u:%o", count_of_added_denials(), file->path,
		file->real, identity, file->stat.st_uid, file->stat.st_mode);
	return true;
}

static void refuse_file(const struct opened *file, const struct finding *finding)
{
	refuse("%s", message_of(file, finding));
}

/* Reads and judges the file, and raises the event. Returns the bytes as a new reference if they may
 * be used, else null with an exception. `is_trusted` becomes false if the bytes may be used only
 * because the mode is off or audit. */
static PyObject *read_and_judge(
	struct opened *file, const char *event, const char *use, bool *is_trusted)
{
	PyObject *bytes = NULL;
	char size[SIZE_ROOM];
	file->entry = find_entry(file->real);
	struct finding finding = judge_unread(file);
	if (finding.reason == NULL) {
		bytes = read_and_digest(file);
		if (bytes == NULL)
			return NULL;
		finding = judge(file);
	}
	const enum verdict verdict = verdict_of(&finding, bytes != NULL);
	if (rules.mode != MODE_OFF || verdict == REFUSE)
		raise_event(event, verdict, "path", file->real, "use", use, "sha256", file->hex, "expected",
			file->expected, "product", file->entry.product, "entry", file->entry.name, "rule",
			finding.rule, "reason", finding.reason, "denial", finding.denial, "#sizeBytes",
			text_of_size(&file->stat, size), "detail", finding.detail, NULL);
	if (verdict == REFUSE) {
		Py_CLEAR(bytes);
		refuse_file(file, &finding);
	}
	*is_trusted = verdict == ALLOW;
	if (bytes != NULL && !file->is_native && !note_origin(file->real, file->digest, bytes))
		Py_CLEAR(bytes);
	return bytes;
}

/* Returns what read_and_judge() returns. If the bytes of an archive were trusted before and its
 * file has not changed, the kept bytes are returned without another event. */
static PyObject *judged_bytes(struct opened *file, const char *event, const char *use)
{
	char key[ARCHIVE_KEY];
	bool is_trusted = false;
	const bool may_be_kept = write_archive_key(file, key);
	PyObject *bytes = may_be_kept ? kept_object(key) : NULL;
	if (bytes != NULL) {
		Py_INCREF(bytes);
		return bytes;
	}
	bytes = read_and_judge(file, event, use, &is_trusted);
	const bool is_kept = bytes != NULL && may_be_kept && is_trusted &&
		kept_bytes(MAX_ARCHIVES - 1) == NULL && is_archive(bytes);
	if (is_kept && !keep_object(key, bytes))
		Py_CLEAR(bytes);
	return bytes;
}

/* Opens a file that is not a directory, and fills in its real path and the answer of fstat(2).
 * Returns false with errno if that fails. The descriptor may be open even then. */
static bool open_file(struct opened *file)
{
	file->descriptor = open_with_real_path(file->path, file->real);
	if (file->descriptor < 0 || *file->real == '\0' || fstat(file->descriptor, &file->stat) != 0)
		return false;
	if (S_ISDIR(file->stat.st_mode)) {
		errno = EISDIR;
		return false;
	}
	return true;
}

PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX])
{
	struct opened file = {.path = path};
	PyObject *bytes = NULL;
	look_for_denials();
	tell_ends();
	if (open_file(&file))
		bytes = judged_bytes(&file, event, use);
	else
		PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	if (file.descriptor >= 0)
		close(file.descriptor);
	if (real != NULL)
		strcpy(real, file.real);
	return bytes;
}
