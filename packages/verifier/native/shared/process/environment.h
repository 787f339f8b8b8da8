/* Decides which environment variables reach a runtime. shared/process/environment.c lists them. */
#ifndef SIGTOOL_ENVIRONMENT_H
#define SIGTOOL_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/* Says which variables of `environ` pass. */
struct passing {
	enum {
		ALL_HARMLESS, /* all but those that are known to make code load */
		ONLY_LISTED, /* in mode strict: of these only those of a list, and `named` */
		ONLY_BASIC, /* only variables that nearly every program reads, such as PATH and HOME */
	} only;
	/* Names, and beginnings of names that end in `*`, from the policy. NULL ends the list, which
	 * may be NULL itself. */
	const char *const *named;
};

/* Returns an array like `environ`: the variables of `environ` that may pass, then those of `added`
 * (`NAME=VALUE`, ending with NULL; the list itself may be NULL), then NULL. Returns NULL if there
 * would be more than 4094 variables.
 *
 * The array is static, and the next call overwrites it. Its elements point to the same strings as
 * those of `environ`. */
char **clean_environment(const struct passing *passing, char *const *added);

/* Writes the names of the variables of `environ` that do not pass, as many as there is room for.
 * Returns the number of all of them. Characters other than those of printable ASCII become `?`.
 * Values may be secrets, so they are never written. */
size_t name_stopped(const struct passing *passing, char *text, size_t room);

/* Returns true if a policy may let a variable of this name pass, or variables that begin like it if
 * it ends in `*`. */
bool is_variable(const char *text);

/* Closes the descriptor in LD_PRELOAD, removes the variable, and overwrites it in
 * /proc/self/environ. So neither the program nor what it starts sees the variable. */
void forget_preload(void);

#endif
