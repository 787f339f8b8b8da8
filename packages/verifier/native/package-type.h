/* What a package.json makes of the modules beside it. */
#ifndef SIGTOOL_PACKAGE_TYPE_H
#define SIGTOOL_PACKAGE_TYPE_H
#include <stddef.h>

enum package_type { TYPE_NONE, TYPE_COMMONJS, TYPE_MODULE, TYPE_UNKNOWN };

/*
 * By the own member `type` of a document in UTF-8 with a NUL behind it, as JSON.parse has it.
 * TYPE_UNKNOWN, for which it has to be asked: what is no JSON, and what is rare in it: what json.h
 * leaves out, more than 4096 values. `text` is changed.
 */
enum package_type package_type(char *text, size_t size);

#endif
