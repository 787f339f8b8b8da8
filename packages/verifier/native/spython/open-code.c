/* The open-code hook (PEP 578): one descriptor, a regular file of bounded size, its real path from
 * the descriptor, the kernel asked, one read, one digest, one verdict, the event, and then those
 * very bytes. */
#define _GNU_SOURCE
#include "spython.h"
#include "../complain.h"
#include "../digest-file.h"
#include "../kernel-check.h"
#include "../owned-file.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { MAX_LINKS = 40, MAX_ARCHIVES = 16 };

struct opened {
	const char *path; /* as it was asked for */
	char real[PATH_MAX], hex[SHA256_HEX + 1], expected[SHA256_HEX + 1];
	uint8_t digest[SHA256_BYTES];
	int descriptor, is_native;
	struct stat stat;
	struct entry entry;
	const char *reason, *rule, *why; /* a code, or null where it is trusted */
};

static void object(struct opened *file, const char *reason, const char *rule, const char *why)
{
	file->reason = reason, file->rule = rule, file->why = why;
}
static PyObject *kept_by_interpreter(void)
{
	return PyInterpreterState_GetDict(PyThreadState_Get()->interp);
}

/* Whether a path leads to where the file is, step by step as the kernel goes; links inside a
 * product must be signed. Native code is opened again by its path: strictly no step outside may
 * then lead elsewhere. */
static int leads_to(const char *path, const char *real, int is_native)
{
	const int outside_may_lead = !is_native || rules.mode != MODE_STRICT;
	char done[2 * PATH_MAX] = "", ahead[3 * PATH_MAX], target[PATH_MAX], rest[2 * PATH_MAX],
				  *at = ahead;
	if (strcmp(path, real) == 0)
		return 1;
	if ((*path != '/' && getcwd(done, PATH_MAX) == NULL) ||
		snprintf(ahead, sizeof ahead, "%s/%s", done, path) >= PATH_MAX)
		return 0;
	*done = 0;
	for (int links = 0; *(at += strspn(at, "/")) != 0;) {
		const size_t length = strcspn(at, "/"), before = strlen(done);
		const char *step = at;
		const int is_up = length == 2 && strncmp(step, "..", 2) == 0;
		at += length;
		struct entry entry = find_entry(done);
		if (is_up && entry.product == NULL && !outside_may_lead)
			return 0;
		if (is_up && before > 0)
			*strrchr(done, '/') = 0;
		if (is_up || (length == 1 && *step == '.'))
			continue;
		if (snprintf(done + before, PATH_MAX - before, "/%.*s", (int)length, step) >=
			(int)(PATH_MAX - before))
			return 0;
		const ssize_t count = readlink(done, target, sizeof target - 1);
		if (count < 0 && errno == EINVAL)
			continue; /* no link */
		entry = find_entry(done);
		if (count < 1 || ++links > MAX_LINKS)
			return 0;
		if (entry.product == NULL ? !outside_may_lead
								  : entry.target_length != (size_t)count ||
										memcmp(entry.target, target, entry.target_length) != 0)
			return 0;
		target[count] = 0;
		done[*target == '/' ? 0 : before] = 0;
		if (snprintf(rest, sizeof rest, "%s/%s", target, at) >= (int)sizeof rest)
			return 0;
		at = strcpy(ahead, rest);
	}
	return strcmp(*done ? done : "/", real) == 0;
}

/* security.ima, which only the administrator writes: 04, 04 for SHA-256, digest. spython's, which
 * anybody does: hexadecimal. */
static const char *vouching_attribute(const struct opened *file)
{
	uint8_t value[SHA256_HEX];
	if (rules.xattr_ima &&
		fgetxattr(file->descriptor, "security.ima", value, sizeof value) == 2 + SHA256_BYTES &&
		value[0] == 4 && value[1] == 4 && memcmp(value + 2, file->digest, SHA256_BYTES) == 0)
		return "ima";
	if (rules.xattr_spython &&
		fgetxattr(file->descriptor, "user.org.python.x-spython-hash", value, sizeof value) ==
			SHA256_HEX &&
		memcmp(value, file->hex, SHA256_HEX) == 0)
		return "spython";
	return NULL;
}

/* What the content says weighs more than how the file was reached. */
static void judge(struct opened *file)
{
	const char *why;
	to_hex(file->digest, file->hex);
	if ((why = denied("file", file->hex)) != NULL)
		object(file, "ERR_DENIED", "deny", why);
	else if (is_index_expired())
		object(file, "ERR_INDEX_EXPIRED", "time", "the trust index has expired");
	else if (file->entry.digest == NULL && (why = vouching_attribute(file)) != NULL)
		object(file, NULL, why, NULL);
	else if (file->entry.product == NULL)
		object(file, "ERR_OUTSIDE_PRODUCTS", "product",
			"it lies in no directory of a trusted product");
	else if (file->entry.digest == NULL)
		object(file, "ERR_FILE_ADDED", "entry", "no signature covers it");
	else if (memcmp(file->entry.digest, file->digest, SHA256_BYTES) != 0) {
		object(file, "ERR_FILE_MODIFIED", "entry", "it was modified");
		to_hex(file->entry.digest, file->expected);
	} else if (!leads_to(file->path, file->real, file->is_native))
		object(file, "ERR_LINK_CHANGED", "link", "a link on the way to it is not as it was signed");
	else
		object(file, NULL, "entry", NULL);
	if (file->reason == NULL && rules.kernel_check != KERNEL_OFF &&
		(why = kernel_objection(file->descriptor, file->stat.st_mode)) != NULL)
		object(file, "ERR_NOT_EXECUTABLE", "kernel", why);
}

/* As much as fstat said there is: a file that grew meanwhile is not the one that was signed. Native
 * code is only digested. */
static PyObject *read_and_digest(struct opened *file)
{
	const size_t size = file->is_native ? 0 : (size_t)file->stat.st_size;
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
	if (bytes == NULL)
		return NULL;
	uint8_t *content = file->is_native ? NULL : (uint8_t *)PyBytes_AS_STRING(bytes);
	const ssize_t length = digest_file(
		file->descriptor, content, file->is_native ? SIZE_MAX : size, false, NULL, file->digest);
	if (length < 0) {
		PyErr_SetFromErrnoWithFilename(PyExc_OSError, file->path);
		Py_CLEAR(bytes);
	} else if (content != NULL && (size_t)length < size)
		_PyBytes_Resize(&bytes, length);
	return bytes;
}

int refuse(const char *format, ...)
{
	va_list values;
	va_start(values, format);
	if (rules.exit_on_refusal)
		complain(REFUSED, "spython", format, values);
	PyErr_FormatV(PyExc_PermissionError, format, values);
	va_end(values);
	return -1;
}

/* Archives are opened for each module in them. Kept by interpreter, under its path and all that the
 * file system says of it; null for what is read once. */
static PyObject *archive_key(const struct opened *file, const PyObject *kept)
{
	char key[2 * PATH_MAX + IDENTITY], identity[IDENTITY];
	const char *dot = strrchr(file->real, '.');
	if (kept == NULL || is_index_expired() || (dot != NULL && word_index(dot, ".py .pyc") >= 0))
		return NULL;
	identity_of(&file->stat, identity);
	snprintf(key, sizeof key, "%s:%s:%s", file->path, file->real, identity);
	return PyBytes_FromString(key);
}

static PyObject *judged_bytes(struct opened *file, const char *event, const char *use)
{
	const int enforcing = rules.mode >= MODE_ENFORCE;
	PyObject *kept = kept_by_interpreter(), *key = file->is_native ? NULL : archive_key(file, kept),
			 *bytes = key == NULL ? NULL : PyDict_GetItem(kept, key);
	if (bytes != NULL)
		return Py_DECREF(key), Py_INCREF(bytes), bytes;
	file->entry = find_entry(file->real);
	if (!S_ISREG(file->stat.st_mode))
		object(file, "ERR_FILE_TYPE", "files", "it is not a regular file");
	else if (enforcing && (uint64_t)file->stat.st_size > rules.max_size)
		object(file, "ERR_LIMIT", "files", "it is larger than the policy allows");
	else if ((bytes = read_and_digest(file)) != NULL)
		judge(file);
	else
		return Py_XDECREF(key), NULL;
	const enum verdict verdict = file->reason == NULL         ? ALLOW
								 : enforcing || bytes == NULL ? REFUSE
															  : AUDIT;
	if (rules.mode != MODE_OFF || verdict == REFUSE)
		raise_event(event, verdict, "path", file->real, "use", use, "sha256", file->hex, "expected",
			file->expected, "product", file->entry.product, "entry", file->entry.name, "rule",
			file->rule, "reason", file->reason, NULL);
	if (verdict == REFUSE)
		Py_CLEAR(bytes);
	if (verdict == REFUSE && *file->expected != 0)
		refuse("File hash mismatch: '%s' (expected: %s, got %s)", file->path, file->expected,
			file->hex);
	else if (verdict == REFUSE)
		refuse("Cannot load '%s': %s (%s%s%s)", file->path, file->why, file->reason,
			*file->hex == 0 ? "" : ", got ", file->hex);
	if (verdict == ALLOW && key != NULL && PyDict_GET_SIZE(kept) <= MAX_ARCHIVES &&
		PyDict_SetItem(kept, key, bytes) != 0)
		Py_CLEAR(bytes);
	Py_XDECREF(key);
	return bytes;
}

PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX])
{
	struct opened file = {.path = path,
		.is_native = use == NULL,
		.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
	PyObject *bytes = NULL;
	int is_open = file.descriptor >= 0 && real_path_of(file.descriptor, file.real) &&
				  fstat(file.descriptor, &file.stat) == 0;
	if (is_open && S_ISDIR(file.stat.st_mode))
		errno = EISDIR, is_open = 0;
	if (is_open)
		bytes = judged_bytes(&file, event, use);
	else
		PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	if (file.descriptor >= 0)
		close(file.descriptor);
	if (real != NULL)
		strcpy(real, file.real);
	return bytes;
}

/* io.BytesIO is looked up once in each interpreter. A program can find what is kept
 * (gc.get_objects) and exchange it, which is to it what replacing io.open_code is. */
PyObject *open_code(PyObject *path, void *Py_UNUSED(data))
{
	PyObject *name, *file = NULL, *kept = kept_by_interpreter(),
					*type = kept == NULL ? NULL : PyDict_GetItemString(kept, "BytesIO");
	if (kept != NULL && type == NULL) {
		PyObject *io = PyImport_ImportModule("_io");
		type = io == NULL ? NULL : PyObject_GetAttrString(io, "BytesIO");
		Py_XDECREF(io);
		if (type == NULL || PyDict_SetItemString(kept, "BytesIO", type) != 0)
			return NULL;
		Py_DECREF(type); /* kept has it */
	}
	if (!PyUnicode_FSConverter(path, &name))
		return NULL;
	PyObject *bytes = open_verified(PyBytes_AS_STRING(name), "module.open_code", "module", NULL);
	if (bytes != NULL && type != NULL)
		file = PyObject_CallFunctionObjArgs(type, bytes, NULL);
	Py_XDECREF(bytes);
	Py_DECREF(name);
	return file;
}
