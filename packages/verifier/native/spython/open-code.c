/* Contains the open-code hook (PEP 578), and judges every file of code.
 *
 * Guarantees that replacing the file at its path does not change what runs, because all facts come
 * from one descriptor: the type, the size, the real path, the kernel's answer, the content, which
 * is read once, and the digest of exactly these bytes. The event is raised before Python gets these
 * bytes. */
#define _GNU_SOURCE
#include "spython.h"
#include "kept.h"
#include "origins.h"
#include "built-ins.h"
#include "../shared/digest-file.h"
#include "../shared/kernel-check.h"
#include "../shared/opened-path.h"
#include "../shared/owned-file.h"
#include "finding.h"
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum {
	MAX_LINKS = 40, /* the limit of the kernel, path_resolution(7) */
	MAX_ARCHIVES = 256, /* modules of others are refused where text is judged */
};

/* Holds the state of following a path to a file, step by step as the kernel does. */
struct walk {
	char reached[PATH_MAX]; /* an absolute path without links; "" for the root directory */
	char ahead[3 * PATH_MAX];
	const char *next; /* the part of `ahead` that is not followed yet */
	int links; /* the number of links that were followed */
	bool outside_may_lead; /* true if links and `..` outside of all products may be followed */
};

/* Starts a walk at the root directory. `ahead` receives the absolute form of `path`. Returns false
 * if the current directory is unknown or the absolute form is too long. */
static bool begin_walk(struct walk *walk, const char *path)
{
	size_t length = 0;
	if (*path != '/') {
		if (getcwd(walk->ahead, PATH_MAX) == NULL)
			return false;
		length = strlen(walk->ahead);
	}
	const int added = snprintf(walk->ahead + length, sizeof walk->ahead - length, "/%s", path);
	*walk->reached = '\0';
	walk->next = walk->ahead;
	walk->links = 0;
	return length + (size_t)added < PATH_MAX;
}

static bool go_up(struct walk *walk)
{
	if (find_entry(walk->reached).product == NULL && !walk->outside_may_lead)
		return false;
	char *last_slash = strrchr(walk->reached, '/');
	if (last_slash != NULL)
		*last_slash = '\0';
	return true;
}

/* Returns true if the link at this path may be followed to `target`. A link inside a product may be
 * followed only if exactly this target was signed. */
static bool may_follow(const struct walk *walk, const char *link, const char *target, size_t length)
{
	const struct entry entry = find_entry(link);
	if (entry.product == NULL)
		return walk->outside_may_lead;
	return entry.target_length == length && memcmp(entry.target, target, length) == 0;
}

/* Goes to the file or directory `name` in the directory that was reached. If `name` is a link, its
 * target is put in front of the rest of `ahead`, and the next steps follow the target. Returns
 * false if the walk cannot go on. */
static bool go_down(struct walk *walk, const char *name, size_t length)
{
	const size_t before = strlen(walk->reached);
	const size_t room = sizeof walk->reached - before;
	const int added = snprintf(walk->reached + before, room, "/%.*s", (int)length, name);
	if ((size_t)added >= room)
		return false;
	char target[PATH_MAX];
	const ssize_t count = readlink(walk->reached, target, sizeof target - 1);
	if (count < 0 && errno == EINVAL)
		return true; /* it is no link */
	if (count < 1 || walk->links == MAX_LINKS)
		return false;
	walk->links++;
	target[count] = '\0';
	if (!may_follow(walk, walk->reached, target, (size_t)count))
		return false;
	walk->reached[*target == '/' ? 0 : before] = '\0';
	char ahead[2 * PATH_MAX];
	const int whole = snprintf(ahead, sizeof ahead, "%s/%s", target, walk->next);
	if ((size_t)whole >= sizeof ahead)
		return false;
	strcpy(walk->ahead, ahead);
	walk->next = walk->ahead;
	return true;
}

/* Follows the next step of a walk that is not at its end. */
static bool take_step(struct walk *walk)
{
	const char *name = walk->next;
	const size_t length = strcspn(name, "/");
	walk->next += length;
	if (length == 1 && *name == '.')
		return true;
	if (length == 2 && strncmp(name, "..", 2) == 0)
		return go_up(walk);
	return go_down(walk, name, length);
}

/* Returns true if `path` leads to the file whose real path is `real`, and each link on the path
 * that is inside a product has the target that was signed. The loader opens the path of native code
 * again. So in strict mode such a path may contain no link and no `..` outside of the products. */
static bool leads_to(const char *path, const char *real, bool is_native)
{
	struct walk walk;
	if (strcmp(path, real) == 0)
		return true;
	if (!begin_walk(&walk, path))
		return false;
	walk.outside_may_lead = !is_native || rules.mode != MODE_STRICT;
	for (;;) {
		walk.next += strspn(walk.next, "/");
		if (*walk.next == '\0')
			break;
		if (!take_step(&walk))
			return false;
	}
	return strcmp(*walk.reached != '\0' ? walk.reached : "/", real) == 0;
}

/* Returns true if the file's security.ima is a SHA-256 of the content. Only an administrator can
 * write this attribute. Its value is a byte 4 (IMA_XATTR_DIGEST_NG), a byte 4 (HASH_ALGO_SHA256),
 * and the digest. */
static bool has_ima_digest(const struct opened *file)
{
	uint8_t value[SHA256_HEX];
	const ssize_t size = fgetxattr(file->descriptor, "security.ima", value, sizeof value);
	return size == 2 + SHA256_BYTES && value[0] == 4 && value[1] == 4 &&
		memcmp(value + 2, file->digest, SHA256_BYTES) == 0;
}

/* Returns true if spython's own extended attribute is the SHA-256 of the content in hexadecimal.
 * Every user who may write to the file can set this attribute. */
static bool has_own_attribute(const struct opened *file)
{
	static const char NAME[] = "user.org.python.x-spython-hash";
	uint8_t value[SHA256_HEX];
	const ssize_t size = fgetxattr(file->descriptor, NAME, value, sizeof value);
	return size == SHA256_HEX && memcmp(value, file->hex, SHA256_HEX) == 0;
}

/* Returns the name of an extended attribute that has the content's digest and that the rules allow.
 * Returns null if there is none. */
static const char *vouching_attribute(const struct opened *file)
{
	if (rules.xattr_ima && has_ima_digest(file))
		return "ima";
	if (rules.xattr_spython && has_own_attribute(file))
		return "spython";
	return NULL;
}

static struct finding fault(const char *reason, const char *rule, const char *why)
{
	return (struct finding){.reason = reason, .rule = rule, .why = why};
}

/* Returns what the policy's rules make of a file that everything else trusts by the check `rule`.
 */
static struct finding apply_rules(struct opened *file, const char *rule)
{
	static const char MEND[] = "`policy explain` says which rule, and what would change it";
	struct file_ruling *ruling = &file->ruling;
	if (is_permitted(&file->entry, file->real, file->digest, ruling)) {
		const bool is_entry = strcmp(rule, "entry") == 0;
		return (struct finding){.rule = is_entry && ruling->rule != NULL ? ruling->rule : rule};
	}
	struct finding finding = fault("ERR_POLICY_RULE", ruling->rule, ruling->why);
	finding.denial = ruling->by == NULL ? NULL : ruling->by->message;
	finding.mend = MEND;
	if (ruling->by != NULL && ruling->by->url != NULL)
		finding.mend = ruling->by->url;
	return finding;
}

/* Judges content and path. The first objection in the order of docs/reference/verifier.md counts.
 * An objection to the content comes before one to the links on the path. */
static struct finding judge_content(struct opened *file)
{
	const struct entry *entry = &file->entry;
	const char *denial = denied_index();
	if (denial != NULL)
		return (struct finding){"ERR_DENIED", "deny",
			"the deny list names the signer of its index, or what else the index rests on", denial,
			"install a release that does not rest on it, such as one that another key signed",
			NULL};
	denial = denied("file", file->hex);
	if (denial != NULL)
		return (struct finding){"ERR_DENIED", "deny", "the deny list names it", denial,
			"install a release without it", NULL};
	const char *expired = refused_by_term();
	if (expired != NULL)
		return fault(expired, "time", "the trust index, or its signer's certificate, has expired");
	if (entry->digest == NULL) {
		const char *attribute = vouching_attribute(file);
		if (attribute != NULL)
			return apply_rules(file, attribute);
	}
	if (entry->product == NULL)
		return fault(
			"ERR_OUTSIDE_PRODUCTS", "product", "it lies in no directory of a trusted product");
	if (entry->digest == NULL)
		return fault("ERR_FILE_ADDED", "entry", "no signature covers it");
	if (memcmp(entry->digest, file->digest, SHA256_BYTES) != 0) {
		to_hex(entry->digest, file->expected);
		return fault("ERR_FILE_MODIFIED", "entry", "it was modified");
	}
	const struct finding finding = apply_rules(file, "entry");
	if (finding.reason == NULL && !leads_to(file->path, file->real, file->is_native))
		return fault("ERR_LINK_CHANGED", "link", "a link on the way to it is not as it was signed");
	return finding;
}

struct finding judge(struct opened *file)
{
	to_hex(file->digest, file->hex);
	const struct finding finding = judge_content(file);
	if (finding.reason != NULL)
		return finding;
	if (!accepts_owner_and_mode(&file->stat, &file->access))
		return (struct finding){.reason = file->access.code,
			.rule = "files",
			.why = file->access.why,
			.mend = file->access.mend,
			.detail = file->access.detail};
	if (rules.kernel_check == KERNEL_CHECK_OFF)
		return finding;
	const char *objection = kernel_objection(file->descriptor, file->stat.st_mode);
	if (objection != NULL)
		return fault("ERR_NOT_EXECUTABLE", "kernel", objection);
	return finding;
}

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

enum verdict verdict_of(const struct finding *finding, bool has_bytes)
{
	if (finding->reason == NULL)
		return ALLOW;
	/* The modes off and audit admit a file whatever its content is, if the content was read. */
	if (rules.mode >= MODE_ENFORCE || !has_bytes)
		return REFUSE;
	return AUDIT;
}

const char *message_of(const struct opened *file, const struct finding *finding)
{
	static _Thread_local char message[2 * PATH_MAX];
	const char *denial = finding->denial;
	const char *mend = finding->mend;
	if (*file->expected != '\0')
		snprintf(message, sizeof message, "File hash mismatch: '%s' (expected: %s, got %s)",
			file->path, file->expected, file->hex);
	else
		snprintf(message, sizeof message, "Cannot load '%s': %s%s%s (%s%s%s)%s%s", file->path,
			finding->why, denial == NULL ? "" : ": ", denial == NULL ? "" : denial, finding->reason,
			*file->hex == '\0' ? "" : ", got ", file->hex, mend == NULL ? "" : "; ",
			mend == NULL ? "" : mend);
	return message;
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
	const bool is_too_large = (uint64_t)file->stat.st_size > rules.max_size;
	struct finding finding;
	PyObject *bytes = NULL;
	file->entry = find_entry(file->real);
	if (!S_ISREG(file->stat.st_mode)) {
		finding = fault("ERR_FILE_TYPE", "files", "it is not a regular file");
	} else if (rules.mode >= MODE_ENFORCE && is_too_large) {
		snprintf(file->size, sizeof file->size, "it has %ld bytes, and files.maxSizeBytes is %lu",
			(long)file->stat.st_size, (unsigned long)rules.max_size);
		finding = fault("ERR_LIMIT", "files", file->size);
		finding.mend = file->stat.st_size > INT32_MAX
			? "split it: files.maxSizeBytes of a policy allows up to 2147483647"
			: "if it must be that large, raise files.maxSizeBytes in the policy";
	} else {
		bytes = read_and_digest(file);
		if (bytes == NULL)
			return NULL;
		finding = judge(file);
	}
	const enum verdict verdict = verdict_of(&finding, bytes != NULL);
	if (rules.mode != MODE_OFF || verdict == REFUSE)
		raise_event(event, verdict, "path", file->real, "use", use, "sha256", file->hex, "expected",
			file->expected, "product", file->entry.product, "entry", file->entry.name, "rule",
			finding.rule, "reason", finding.reason, "denial", finding.denial, "detail",
			finding.detail, NULL);
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

/* Returns io.BytesIO as a new reference, or null with an exception. The main interpreter keeps the
 * type when it opens its first file: no program runs yet that could have exchanged it. In other
 * interpreters nothing is kept beyond their end, so the type has to have the same methods, which no
 * type that a program makes has. */
static PyObject *bytes_io(void)
{
	static const char KEY[] = "io.BytesIO";
	static const PyMethodDef *methods;
	PyObject *type = kept_object(KEY);
	if (type != NULL) {
		Py_INCREF(type);
		return type;
	}
	PyObject *io = PyImport_ImportModule("_io");
	if (io != NULL)
		type = PyObject_GetAttrString(io, "BytesIO");
	Py_XDECREF(io);
	if (type == NULL)
		return NULL;
	/* The first type is genuine, because nothing has run yet. */
	const bool is_first = methods == NULL;
	if (is_first)
		methods = ((PyTypeObject *)type)->tp_methods;
	const bool is_genuine = PyType_Check(type) && ((PyTypeObject *)type)->tp_methods == methods;
	if (!is_genuine)
		PyErr_SetString(PyExc_SystemError, "io.BytesIO was exchanged");
	if (is_genuine && (!is_first || keep_object(KEY, type)))
		return type;
	Py_DECREF(type);
	return NULL;
}

PyObject *open_code(PyObject *path, void *Py_UNUSED(data))
{
	PyObject *file = NULL;
	PyObject *name;
	PyObject *type = bytes_io();
	if (type == NULL || !watch_code_makers() || !PyUnicode_FSConverter(path, &name)) {
		Py_XDECREF(type);
		return NULL;
	}
	PyObject *bytes = open_verified(PyBytes_AS_STRING(name), "module.open_code", "module", NULL);
	if (bytes != NULL)
		file = PyObject_CallFunctionObjArgs(type, bytes, NULL);
	Py_XDECREF(bytes);
	Py_DECREF(name);
	Py_DECREF(type);
	return file;
}
