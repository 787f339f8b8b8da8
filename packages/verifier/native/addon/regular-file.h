/* Contains the fast path for most modules: regular files of bounded size that contain UTF-8, at a
 * file path that is absolute and without links. Guarantees that content, digest and the kernel's
 * answer belong to one file, because they come from one descriptor. Every other file takes the full
 * path: JavaScript reads and judges the file, and words the refusal.
 *
 * The OpenSSL inside Node.js computes SHA-256, as for node:crypto. If Node.js does not export
 * OpenSSL, every file takes the full path. */
#ifndef SIGTOOL_REGULAR_FILE_H
#define SIGTOOL_REGULAR_FILE_H
#include "node-api.h"
#include <stdbool.h>
#include <stddef.h>

/* Describes a file that was read. The caller has to judge the file. */
struct regular_file {
	napi_value text_of_gate; /* the text, if the gate has read it; then `content` is NULL */
	unsigned char *content; /* the caller frees it; a NUL follows the `size` bytes */
	size_t size;
	bool is_ascii;
	unsigned char sha256[32];
	bool is_executable; /* kernel_objection() returned NULL */
	bool is_of_root; /* user 0 owns the file */
	bool is_written_by_owner_alone; /* by its mode neither its group nor others may write */
};

/* Reads the file at `path` into `file`. If `env` is not NULL, the gate may read the text instead
 * (gate-text.h). Returns false if the file is not regular, is larger than
 * `max_bytes`, is not UTF-8, or becomes shorter while it is read, if the path has a link, or if
 * anything fails. In these cases the caller has nothing to free, and errno is ENOENT only if no
 * file is at the path. */
bool read_regular_file(napi_env env, const char *path, double max_bytes, struct regular_file *file);

#endif
