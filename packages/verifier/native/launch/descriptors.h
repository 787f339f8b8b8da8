/* The descriptors of the launcher, and those that it passes on. */
#ifndef SIGTOOL_LAUNCH_DESCRIPTORS_H
#define SIGTOOL_LAUNCH_DESCRIPTORS_H

/* Closes each descriptor above 2, because Landlock does not restrict a file that the caller left
 * open for writing. Then opens /dev/null at each of the descriptors 0 to 6 that is closed. So 3 and
 * 4 are reserved for sealed memory, and 5 and 6 for what leads to the collector. */
void reserve_descriptors(void);

/* Closes 5 and 6 again, because there is no collector. */
void release_descriptors(void);

/* Copies an open file, from its offset to its end, into new memory at `descriptor`, and seals the
 * memory so that nobody can change it any more. Refuses more than MAX_INDEX_BYTES bytes. /proc
 * shows the memory as `name`. Messages show `path`. */
void seal_file(int descriptor, const char *name, int file, const char *path);

/* Copies a text without its NUL into sealed memory at `descriptor`. */
void seal_text(int descriptor, const char *name, const char *text);

/* Makes an open file appear at `descriptor`. The caller must know that nobody can change it. */
void pass_file(int descriptor, int file);

#endif
