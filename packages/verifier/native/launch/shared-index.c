/* Finds the copy of the trust index that all processes of this host share, in the directory
 * `indexes` beside the launcher.
 *
 * Guarantees that the process gets such a copy only if root made it of exactly the file that the
 * launcher opened as index, only root could have written the copy since, and its identity_of() is
 * still that of the copy that root digested. Otherwise nothing is shared, and the process gets
 * sealed memory. Files of the user never count, also in development: the runtime does not digest
 * what is shared. This file assumes that root changes a copy only by removing it. */
#define _GNU_SOURCE
#include "shared-index.h"
#include "refusal.h"
#include "../shared/process/exit-status.h"
#include "../shared/text/hex.h"
#include "../shared/settings/key-lines.h"
#include "../shared/files/owned-file.h"
#include "../shared/settings/schema.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool name_shared(char path[PATH_MAX], const char *name)
{
	const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (length <= 0)
		fail(UNDECIDED, "Cannot start: /proc does not tell where the launcher is");
	path[length] = '\0';
	char *end = strrchr(path, '/');
	const size_t room = PATH_MAX - (size_t)(end - path);
	const int written = snprintf(end, room, "/indexes%s%s", *name == '\0' ? "" : "/", name);
	return (size_t)written < room;
}

/* Reads the record that root has made of the index with this identity. Returns false if there is
 * none, or if it is not valid. The values point into static memory. */
static bool read_record(const char *identity, const struct json *values[SHARED_MEMBERS])
{
	static char text[MAX_SHARED_BYTES + 1];
	static struct json cells[KEY_LINES_ROOM];
	char path[PATH_MAX];
	struct fault fault;
	const char *why;
	if (!name_shared(path, identity))
		return false;
	const ssize_t size = read_owned(path, 0, text, sizeof text, &why);
	if (size <= 0)
		return false;
	const struct json *document = parse_key_lines(text, (size_t)size, SHARED, cells, &fault);
	return document != NULL && read_members(document, SHARED, values, &fault);
}

/* Opens the copy with this SHA-256. Returns -1 if it cannot be trusted, has another identity, or
 * has a second name, by which a process could be allowed to write to it. */
static int open_copy(const char *sha256, const char *identity)
{
	char name[SHA256_HEX + sizeof ".sigx"];
	char path[PATH_MAX];
	const char *why;
	snprintf(name, sizeof name, "%s.sigx", sha256);
	if (!name_shared(path, name))
		return -1;
	const int copy = open_owned(path, 0, &why);
	if (copy < 0)
		return -1;
	struct stat status;
	char seen[IDENTITY];
	const bool is_known = fstat(copy, &status) == 0 && status.st_nlink == 1;
	if (is_known)
		identity_of(&status, seen);
	if (is_known && strcmp(seen, identity) == 0)
		return copy;
	close(copy);
	return -1;
}

int open_shared(int index, struct shared_index *shared)
{
	const struct json *values[SHARED_MEMBERS];
	struct stat status;
	char identity[IDENTITY];
	if (fstat(index, &status) != 0)
		return -1;
	identity_of(&status, identity);
	if (!read_record(identity, values))
		return -1;
	const char *sha256 = text_of(values[SHARED_DIGEST]);
	const int copy = open_copy(sha256, text_of(values[SHARED_IDENTITY]));
	if (copy < 0)
		return -1;
	memcpy(shared->sha256, sha256, sizeof shared->sha256);
	memcpy(shared->content, text_of(values[SHARED_CONTENT]), sizeof shared->content);
	return copy;
}
