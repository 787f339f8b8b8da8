/* The fast path to a module as most are: a regular file of bounded size that an absolute path
 * without links names, with UTF-8 in it. It is opened once, and content, digest and the kernel's
 * opinion are those of that one descriptor. Every other file is left to the full path, which words
 * the refusal.
 *
 * SHA-256 is that of the OpenSSL inside Node.js, which node:crypto uses too. Where Node.js does not
 * export it, the fast path takes no file. */
#ifndef SIGTOOL_REGULAR_FILE_H
#define SIGTOOL_REGULAR_FILE_H
#include <stdbool.h>
#include <stddef.h>

/* The file as it was read. The caller judges it. */
struct regular_file {
	unsigned char *content; /* the caller frees it; a NUL stands behind `size` bytes */
	size_t size;
	bool is_ascii;
	unsigned char sha256[32];
	bool is_executable; /* kernel_objection() had none */
};

/* Reads the file that `path` names into `file`. Returns false if it is none for the fast path, is
 * larger than `max_bytes`, becomes shorter meanwhile, or anything fails. Then nothing is to be
 * freed, and errno is ENOENT if nothing is there, else another value. */
bool read_regular_file(const char *path, double max_bytes, struct regular_file *file);

#endif
