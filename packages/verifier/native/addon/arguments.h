/* Reads the arguments of an exported function, and makes its results. No function here throws: it
 * returns false, or NO_DESCRIPTOR, for an argument of a wrong type. */
#ifndef SIGTOOL_ARGUMENTS_H
#define SIGTOOL_ARGUMENTS_H
#include "node-api.h"

enum { NO_DESCRIPTOR = -1 };

/* Node-API cuts a text that is too long between two characters. A cut leaves at most CUT_BYTES
 * bytes of the buffer without text: three bytes in which a character of four bytes did not fit, and
 * the byte of the NUL. So a text may have been cut if it leaves at most CUT_BYTES bytes without
 * text. */
enum { CUT_BYTES = 4 };

/* The size in bytes of the buffer that get_text() needs for a text of `bytes` bytes. */
#define ROOM_FOR(bytes) ((bytes) + CUT_BYTES + 1)

/* Returns an argument as a descriptor. Returns NO_DESCRIPTOR for any other value, so that system
 * calls with it fail with EBADF. */
int descriptor_of(napi_env env, napi_value value);

/* Reads an argument as text of less than `room` - CUT_BYTES bytes, which may contain a NUL. Returns
 * false if the argument is no text, or if the text may have been cut. */
bool get_text(napi_env env, napi_value value, char *text, size_t room, size_t *length);

/* Reads an argument like get_text(), but returns false if the text contains a NUL, because a NUL
 * ends a C string. */
bool get_c_string(napi_env env, napi_value value, char *text, size_t room);

/* Reads an argument as a Uint8Array. `bytes` points to the array's own memory, which stays valid
 * until the callback returns. */
bool get_bytes(napi_env env, napi_value value, void **bytes, size_t *size);

napi_value make_number(napi_env env, int32_t value);
napi_value make_boolean(napi_env env, bool value);

#endif
