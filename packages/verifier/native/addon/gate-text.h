/* Lets the gate read a file, if there is a gate in front of this process. It keeps the text where
 * nobody can write, and knows it again when V8 compiles it, so it is digested once. */
#ifndef SIGTOOL_GATE_TEXT_H
#define SIGTOOL_GATE_TEXT_H
#include "node-api.h"

/* Returns the text of the open file, whose real path is `path`, and its digest. Returns NULL if the
 * caller has to read the file itself. The descriptor's offset stays as it is. */
napi_value text_of_gate(
	napi_env env, const char *path, int descriptor, size_t size, unsigned char sha256[32]);

#endif
