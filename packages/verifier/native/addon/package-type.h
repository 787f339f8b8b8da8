/* Finds out of a package.json if the modules beside it are CommonJS or ES modules, by the same rule
 * as Node.js: the member `type` of the document itself. It answers only where it is sure to agree
 * with JSON.parse. */
#ifndef SIGTOOL_PACKAGE_TYPE_H
#define SIGTOOL_PACKAGE_TYPE_H
#include <stddef.h>

enum package_type {
	TYPE_NONE, /* `type` is absent, or has a value that Node.js passes over */
	TYPE_COMMONJS,
	TYPE_MODULE,
	TYPE_UNKNOWN, /* JSON.parse must be asked */
};

/* Reads the document `text` of `size` bytes of UTF-8, behind which the caller has put a NUL, and
 * overwrites it. Returns TYPE_UNKNOWN for text that is not JSON, for JSON that json.h leaves out,
 * and for more than 4096 values. Needs 128 KiB of stack. */
enum package_type package_type(char *text, size_t size);

#endif
