/* What the kernel refuses to the process from here on, by launch/lockdown.c. */
#ifndef SIGTOOL_LOCKDOWN_H
#define SIGTOOL_LOCKDOWN_H

/* In every thread there is, not in this one alone; programs alone, of all that is refused else. */
enum { ALL_THREADS = 1, PROGRAMS_ONLY = 2 };

/* Lets one execveat through, of this descriptor with these very pointers, or for -1 none; -1 where
 * the kernel cannot. */
int restrict_calls(int program, const char *path, char *const *arguments, int how);

#endif
