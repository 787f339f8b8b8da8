/* Paths that lead over links, resolved once. */
#ifndef SIGTOOL_LAUNCH_LINKS_H
#define SIGTOOL_LAUNCH_LINKS_H
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct settings;

/* A step on the way of a path. */
struct step {
	const char *path; /* the directory, the file or the link; it may be missing */
	const char *rest; /* the components that follow, as far as they are known */
	bool is_link;
	uid_t owner; /* the link's owner; 0 if it is no link */
};

/* Returns false if the rest of the path is not to be resolved. */
typedef bool take_step(const struct step *step, void *context);

/* Finds the real path of a file that may not exist yet, and returns the number of links that were
 * followed. Each link is read only once in the life of this process. `take` is called with each
 * step before a link is followed. If it returns false, `real` is the path of this step and the rest
 * as it was given. */
int resolve_once(const char *path, char real[PATH_MAX], take_step *take, void *context);

/* Finds the real paths of the index and of the signed trees. Ends the process if another user than
 * root, or in development the user, owns a link on the way. */
void resolve_places(struct settings *settings);

#endif
