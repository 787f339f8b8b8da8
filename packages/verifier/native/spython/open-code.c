/* The open-code hook (PEP 578): one descriptor, a regular file of bounded size, its real path from the descriptor, the
 * kernel asked, one read, one digest, one verdict, the event, and then those very bytes. */
#define _GNU_SOURCE
#include "python.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { EXECVE_CHECK = 0x10000, EXEC_RESTRICT_FILE = 0x100, MAX_LINKS = 40, MAX_ARCHIVES = 16 };

struct opened {
	const char *path; /* as it was asked for */
	char real[PATH_MAX], hex[SHA256_HEX + 1], expected[SHA256_HEX + 1];
	uint8_t digest[SHA256_BYTES];
	int descriptor;
	struct stat stat;
	struct entry entry;
	const struct reason *reason; /* why it is not trusted */
	const char *rule, *why;
};

static const struct reason { const char *code, *rule, *why; } OUTSIDE = {"ERR_OUTSIDE_PRODUCTS", "product", "it lies in no directory of a trusted product"},
	ADDED = {"ERR_FILE_ADDED", "entry", "no signature covers it"}, MODIFIED = {"ERR_FILE_MODIFIED", "entry", "it was modified"},
	TYPE = {"ERR_FILE_TYPE", "files", "it is not a regular file"}, LARGE = {"ERR_LIMIT", "files", "it is larger than the policy allows"},
	LINK = {"ERR_LINK_CHANGED", "link", "a link on the way to it is not as it was signed"}, KERNEL = {"ERR_NOT_EXECUTABLE", "kernel", "the kernel would not execute it"},
	DENIED = {"ERR_DENIED", "deny", "the deny list names it"}, EXPIRED = {"ERR_INDEX_EXPIRED", "time", "the trust index has expired"};

static int asks_kernel, needs_execute_bit;

/* AT_EXECVE_CHECK (Linux 6.14) executes nothing. */
static int ask_kernel(int descriptor) {
	char *const none[] = {"", NULL};
	return syscall(SYS_execveat, descriptor, "", none, none + 1, AT_EMPTY_PATH | EXECVE_CHECK) == 0 ? 0 : errno;
}

const char *start_kernel_check(void) {
	if (rules.kernel_check == KERNEL_OFF) return NULL;
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), answer = ask_kernel(self);
	close(self);
	needs_execute_bit = (prctl(PR_GET_SECUREBITS) & EXEC_RESTRICT_FILE) != 0;
	asks_kernel = answer != EINVAL && answer != ENOSYS;
	if (!asks_kernel && rules.kernel_check == KERNEL_REQUIRE)
		fail(REFUSED, "ERR_KERNEL_CHECK", "Cannot ask the kernel about code, which the policy requires: Linux before 6.14");
	return asks_kernel ? NULL : "execve-check";
}

static const char *kernel_objection(int descriptor) {
	struct statfs mount;
	if (rules.kernel_check == KERNEL_OFF) return NULL;
	if (fstatfs(descriptor, &mount) != 0 || (mount.f_flags & ST_NOEXEC)) return "its mount is noexec";
	int error = asks_kernel ? ask_kernel(descriptor) : 0;
	if (error == ETXTBSY) return "it is open for writing";
	/* Nearly no package has execute bits: only a host that asked for them refuses what has none. */
	if (error == EACCES) return needs_execute_bit ? "it has no execute bit, which this host demands" : NULL;
	return error == 0 ? NULL : "the kernel would not execute it";
}

/* Whether a path leads to where the file is, as the kernel goes; each link inside a product must be signed with its target. */
static int leads_to(const char *path, const char *real) {
	char done[2 * PATH_MAX] = "", ahead[3 * PATH_MAX], target[PATH_MAX], rest[3 * PATH_MAX];
	if (strcmp(path, real) == 0) return 1;
	if (*path != '/' && getcwd(done, PATH_MAX) == NULL) return 0;
	if (snprintf(ahead, sizeof ahead, "%s/%s", done, path) >= PATH_MAX) return 0;
	*done = 0;
	char *at = ahead;
	for (int links = 0;;) {
		at += strspn(at, "/");
		if (*at == 0) return strcmp(*done ? done : "/", real) == 0;
		const size_t length = strcspn(at, "/"), before = strlen(done);
		if (length == 2 && memcmp(at, "..", 2) == 0) {
			if (before > 0) *strrchr(done, '/') = 0;
		} else if (length != 1 || *at != '.') {
			if (before + length >= PATH_MAX) return 0;
			sprintf(done + before, "/%.*s", (int)length, at);
			ssize_t count = readlink(done, target, sizeof target - 1);
			if (count < 0 && errno != EINVAL) return 0;
			if (count >= 0) {
				struct entry entry;
				target[count] = 0;
				find_entry(done, &entry);
				const int same = entry.target != NULL && entry.target_length == (size_t)count && memcmp(entry.target, target, (size_t)count) == 0;
				if (++links > MAX_LINKS || (entry.product != NULL && !same)) return 0;
				done[*target == '/' ? 0 : before] = 0;
				if (snprintf(rest, sizeof rest, "%s/%s", target, at + length) >= 2 * PATH_MAX) return 0;
				at = strcpy(ahead, rest);
				continue;
			}
		}
		at += length;
	}
}

/* security.ima: 04, 04 for SHA-256, digest; only the administrator writes it. Anybody writes spython's own, which is hexadecimal. */
static int vouched_by_attribute(struct opened *file) {
	uint8_t value[SHA256_HEX + 1];
	if (rules.xattr_ima && fgetxattr(file->descriptor, "security.ima", value, sizeof value) == 2 + SHA256_BYTES && value[0] == 4 && value[1] == 4 &&
		memcmp(value + 2, file->digest, SHA256_BYTES) == 0)
		file->rule = "ima";
	else if (rules.xattr_spython && fgetxattr(file->descriptor, "user.org.python.x-spython-hash", value, sizeof value) == SHA256_HEX && memcmp(value, file->hex, SHA256_HEX) == 0)
		file->rule = "spython";
	return file->rule != NULL;
}

/* What the content says weighs more than how the file was reached. */
static void judge(struct opened *file) {
	to_hex(file->digest, SHA256_BYTES, file->hex);
	file->why = denied("file", file->hex);
	if (file->why != NULL) file->reason = &DENIED;
	else if (is_index_expired()) file->reason = &EXPIRED;
	else if (file->entry.digest == NULL) file->reason = vouched_by_attribute(file) ? NULL : file->entry.product == NULL ? &OUTSIDE : &ADDED;
	else if (memcmp(file->entry.digest, file->digest, SHA256_BYTES) != 0) {
		file->reason = &MODIFIED;
		to_hex(file->entry.digest, SHA256_BYTES, file->expected);
	} else if ((file->why = kernel_objection(file->descriptor)) != NULL) file->reason = &KERNEL;
	else file->reason = leads_to(file->path, file->real) ? NULL : &LINK;
	if (file->rule == NULL) file->rule = file->reason == NULL ? "entry" : file->reason->rule;
}

/* What fstat said there is: a file that grew meanwhile is not the one that was signed. */
static PyObject *read_and_digest(struct opened *file) {
	const Py_ssize_t size = file->stat.st_size;
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
	for (Py_ssize_t filled = 0, got = 1; bytes != NULL && got != 0; filled += got) {
		do got = read(file->descriptor, PyBytes_AS_STRING(bytes) + filled, (size_t)(size - filled));
		while (got < 0 && errno == EINTR);
		if (got < 0) {
			PyErr_SetFromErrnoWithFilename(PyExc_OSError, file->path);
			Py_CLEAR(bytes);
		} else if (got == 0 && filled < size) _PyBytes_Resize(&bytes, filled);
	}
	if (bytes != NULL) sha256(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes), file->digest);
	return bytes;
}

int refuse(const char *format, ...) {
	char text[2 * PATH_MAX];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	if (rules.exit_on_refusal) fail(REFUSED, NULL, "%s", text);
	PyErr_Format(PyExc_PermissionError, "%s", text);
	return -1;
}

static void refuse_file(const struct opened *file) {
	if (file->reason == &MODIFIED) refuse("File hash mismatch: '%s' (expected: %s, got %s)", file->path, file->expected, file->hex);
	else refuse("Cannot load '%s': %s (%s%s%s)", file->path, file->why == NULL ? file->reason->why : file->why, file->reason->code, *file->hex ? ", got " : "", file->hex);
}

/* An archive is opened for each module in it. Kept for each interpreter, under all that the file system says of the file. */
static PyObject *archive_key(const struct opened *file) {
	const struct stat *s = &file->stat;
	const size_t length = strlen(file->real);
	if (PyInterpreterState_GetDict(PyThreadState_Get()->interp) == NULL || is_index_expired()) return NULL;
	if (length > 3 && (strcmp(file->real + length - 3, ".py") == 0 || strcmp(file->real + length - 4, ".pyc") == 0)) return NULL;
	return PyBytes_FromFormat("%s:%llx:%llx:%llx:%llx.%lx:%llx.%lx", file->real, (long long)s->st_dev, (long long)s->st_ino, (long long)s->st_size,
		(long long)s->st_mtim.tv_sec, s->st_mtim.tv_nsec, (long long)s->st_ctim.tv_sec, s->st_ctim.tv_nsec);
}

static PyObject *judge_open_file(struct opened *file, const char *event, const char *use) {
	const int enforcing = rules.mode >= MODE_ENFORCE, regular = S_ISREG(file->stat.st_mode);
	PyObject *bytes = NULL, *cache = PyInterpreterState_GetDict(PyThreadState_Get()->interp), *key = archive_key(file);
	if (key != NULL && (bytes = PyDict_GetItem(cache, key)) != NULL) {
		Py_DECREF(key);
		return Py_INCREF(bytes), bytes;
	}
	find_entry(file->real, &file->entry);
	file->reason = !regular ? &TYPE : enforcing && (uint64_t)file->stat.st_size > rules.max_size ? &LARGE : NULL;
	if (file->reason != NULL) file->rule = file->reason->rule;
	else if ((bytes = read_and_digest(file)) != NULL) judge(file);
	else return Py_XDECREF(key), NULL;
	const enum verdict verdict = file->reason == NULL ? ALLOW : enforcing || bytes == NULL ? REFUSE : AUDIT;
	raise_event(event, verdict, "path", file->real, "use", use, "sha256", *file->hex ? file->hex : NULL, "expected", *file->expected ? file->expected : NULL,
		"product", file->entry.product, "entry", file->entry.name, "rule", file->rule, "reason", file->reason == NULL ? NULL : file->reason->code, NULL);
	if (verdict == REFUSE) {
		refuse_file(file);
		Py_CLEAR(bytes);
	} else if (verdict == ALLOW && key != NULL && PyDict_GET_SIZE(cache) < MAX_ARCHIVES && PyDict_SetItem(cache, key, bytes) != 0) Py_CLEAR(bytes);
	Py_XDECREF(key);
	return bytes;
}

PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX]) {
	struct opened file = {.path = path};
	char link[32];
	file.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file.descriptor < 0) return PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	snprintf(link, sizeof link, "/proc/self/fd/%d", file.descriptor);
	PyObject *bytes = NULL;
	ssize_t length = readlink(link, file.real, PATH_MAX - 1);
	if (fstat(file.descriptor, &file.stat) == 0 && S_ISDIR(file.stat.st_mode)) errno = EISDIR, length = -1;
	if (length < 0) PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	else bytes = judge_open_file(&file, event, use);
	close(file.descriptor);
	if (real != NULL) strcpy(real, file.real);
	return bytes;
}

/* The type is looked up once in each interpreter, which the program cannot reach into. */
static PyObject *bytes_io(void) {
	PyObject *dict = PyInterpreterState_GetDict(PyThreadState_Get()->interp), *type = dict == NULL ? NULL : PyDict_GetItemString(dict, "BytesIO");
	if (type != NULL) return type;
	PyObject *module = PyImport_ImportModule("_io");
	type = module == NULL ? NULL : PyObject_GetAttrString(module, "BytesIO");
	Py_XDECREF(module);
	if (type != NULL && dict != NULL && PyDict_SetItemString(dict, "BytesIO", type) != 0) Py_CLEAR(type);
	Py_XDECREF(type); /* the dictionary keeps it */
	return type;
}

PyObject *open_code(PyObject *path, void *unused) {
	(void)unused;
	PyObject *name, *bytes, *file = NULL;
	if (!PyUnicode_FSConverter(path, &name)) return NULL;
	bytes = open_verified(PyBytes_AS_STRING(name), "module.open_code", "module", NULL);
	Py_DECREF(name);
	PyObject *type = bytes == NULL ? NULL : bytes_io();
	if (type != NULL) file = PyObject_CallFunctionObjArgs(type, bytes, NULL);
	Py_XDECREF(bytes);
	return file;
}
