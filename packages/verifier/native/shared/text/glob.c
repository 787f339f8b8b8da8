/* Guarantees that the time is bounded by the product of the lengths: only the last star, and the
 * last `**`, are tried again, because an earlier one can match less. */
#include "glob.h"
#include <stddef.h>
#include <string.h>

/* Matches one part with stars. */
static bool matches_part(const char *glob, size_t glob_length, const char *part, size_t length)
{
	const char *glob_end = glob + glob_length;
	const char *end = part + length;
	const char *behind_star = NULL;
	const char *tried = NULL;
	while (part < end) {
		if (glob < glob_end && *glob == '*') {
			behind_star = ++glob;
			tried = part;
		} else if (glob < glob_end && *glob == *part) {
			glob++;
			part++;
		} else if (behind_star != NULL) {
			glob = behind_star;
			part = ++tried;
		} else {
			return false;
		}
	}
	while (glob < glob_end && *glob == '*')
		glob++;
	return glob == glob_end;
}

bool matches_glob(const char *glob, const char *path)
{
	/* The places behind the last `**`, where the search goes on if the rest does not match. */
	const char *rest_of_glob = NULL;
	const char *rest_of_path = NULL;
	for (;;) {
		const size_t in_glob = strcspn(glob, "/");
		const size_t in_path = strcspn(path, "/");
		const bool is_glob_at_end = glob[in_glob] == '\0';
		const bool is_path_at_end = path[in_path] == '\0';
		if (in_glob == 2 && strncmp(glob, "**", 2) == 0) {
			if (is_glob_at_end)
				return true;
			glob += in_glob + 1;
			rest_of_glob = glob;
			rest_of_path = path;
			continue;
		}
		if (is_glob_at_end == is_path_at_end && matches_part(glob, in_glob, path, in_path)) {
			if (is_glob_at_end)
				return true;
			glob += in_glob + 1;
			path += in_path + 1;
			continue;
		}
		if (rest_of_glob == NULL)
			return false;
		rest_of_path += strcspn(rest_of_path, "/");
		if (*rest_of_path == '\0')
			return false;
		rest_of_path++;
		glob = rest_of_glob;
		path = rest_of_path;
	}
}

bool is_entry_path(const char *path)
{
	for (;;) {
		const size_t length = strcspn(path, "/");
		if (strspn(path, ".") >= length && length <= 2) /* "", "." or ".." */
			return false;
		if (path[length] == '\0')
			return true;
		path += length + 1;
	}
}

bool has_file_name(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	return strcmp(slash == NULL ? path : slash + 1, name) == 0;
}
