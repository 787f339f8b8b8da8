/* What the files of sigtool-launch share. Nothing is allocated: what does not fit its buffer is
 * refused. */
#ifndef SIGTOOL_LAUNCH_H
#define SIGTOOL_LAUNCH_H
#include "../hex.h"
#include "../lockdown.h"
#include "../mode.h"
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum { USAGE = 2, REFUSED = 126, MAX_DIRECTORIES = 64 };

/* launcher.conf. Paths are absolute and real, digests 64 lower-case hexadecimal digits; what may be
 * absent is null. */
struct settings {
	const char *program, *digest, *identity, *node_major, *bundle, *bundle_digest, *addon,
		*addon_digest;
	const char *python, *python_digest, *spython, *spython_digest;
	const char *index, *config, *audit, *string_code, *addons, *workers, *mode_name,
		*development_name;
	const char *trees[MAX_DIRECTORIES + 1],
		*writable[MAX_DIRECTORIES + 1]; /* roots of signed trees; what --write names, too */
	size_t tree_count, writable_count;
	enum mode mode;
	int development; /* what belongs to the user who runs it counts as root's */
};

/* launch.c: ends the process, with one line on standard error. */
_Noreturn void fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* settings.c */
enum mode parse_mode(const char *name);
void read_settings(struct settings *settings, int allow_development);
int open_trusted(const char *path, int development);
void real_path(int descriptor, char path[PATH_MAX]);
/* sha256.c: of a whole file; -1 with errno when it cannot be read. */
int sha256_file(int descriptor, char hex[SHA256_HEX + 1]);
/* lockdown.c: Landlock's version; -1 where the kernel cannot. */
int restrict_files(const struct settings *settings, int program, const int *writable);
#endif
