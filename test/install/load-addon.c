/* Loads an addon as Node.js does, and prints the names of the functions that it registers. The
 * functions of Node-API that do this are here; a generated file has stand-ins for all others. */
#include <dlfcn.h>
#include <stdio.h>

typedef void *value;

int napi_create_function(
	value env, const char *name, unsigned long length, value callback, value data, value *out)
{
	(void)env, (void)name, (void)length, (void)data;
	*out = callback;
	return 0;
}

int napi_set_named_property(value env, value object, const char *name, value property)
{
	(void)env, (void)object;
	puts(property == NULL ? "NULL" : name);
	return 0;
}

int main(int argc, char **argv)
{
	void *addon = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
	if (addon == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	value (*start)(value, value) = (value(*)(value, value))dlsym(addon, "napi_register_module_v1");
	if (start == NULL)
		return 2;
	start(addon, addon);
	return 0;
}
