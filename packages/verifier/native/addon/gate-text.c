/* The gate is another library of the process, which may be absent. */
#define _GNU_SOURCE
#include "gate-text.h"
#include <dlfcn.h>
#include <pthread.h>

/* A napi_value is the address of a slot, as a local handle of V8 is (js_native_api_v8.h). */
typedef const void *read_text(
	void *env, const char *path, int descriptor, size_t size, unsigned char sha256[32]);
static read_text *gate_read_text;

static void find_gate(void)
{
	gate_read_text = (read_text *)dlsym(RTLD_DEFAULT, "sigtool_gate_read_text");
}

napi_value text_of_gate(
	napi_env env, const char *path, int descriptor, size_t size, unsigned char sha256[32])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, find_gate);
	if (gate_read_text == NULL)
		return NULL;
	return (napi_value)gate_read_text(env, path, descriptor, size, sha256);
}
