/* A file as most modules are: an absolute path without links, a regular file of no great size, text
 * in UTF-8. */
#ifndef SIGTOOL_PLAIN_FILE_H
#define SIGTOOL_PLAIN_FILE_H
#include <stdbool.h>
#include <stddef.h>

/* What one descriptor gave. Whether that is good enough others decide. */
struct plain_file {
	/* To be freed; a NUL stands behind it. */
	unsigned char *content;
	size_t size;
	bool is_ascii;
	unsigned char sha256[32];
	/* As far as the kernel was asked. */
	bool is_executable;
};

/* False when it is no such file or anything fails, ENOENT in errno when nothing is there: nothing
 * is to be freed then. */
bool read_plain_file(const char *path, double max_bytes, struct plain_file *file);

#endif
