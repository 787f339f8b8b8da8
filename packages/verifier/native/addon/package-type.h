/* Finds out from a package.json if the modules beside it are CommonJS or ES modules. The rule is
 * that of Node.js: the member `type` of the outermost object decides. Guarantees that each answer
 * except TYPE_UNKNOWN is the answer that JSON.parse would give. */
#ifndef SIGTOOL_PACKAGE_TYPE_H
#define SIGTOOL_PACKAGE_TYPE_H
#include <stddef.h>

enum package_type {
	TYPE_NONE, /* `type` is absent, or has a value that Node.js ignores */
	TYPE_COMMONJS,
	TYPE_MODULE,
	TYPE_UNKNOWN, /* the caller must use JSON.parse */
};

/* Reads the document `text`, which has `size` bytes of UTF-8 and a NUL. The document is
 * overwritten. Returns TYPE_UNKNOWN for text that is not JSON, for JSON that json.h does not read,
 * and for more than 4096 values. Needs 128 KiB of stack. */
enum package_type package_type(char *text, size_t size);

#endif
