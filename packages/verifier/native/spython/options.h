/* Options of a command line, by a table. */
#ifndef SIGTOOL_OPTIONS_H
#define SIGTOOL_OPTIONS_H
#include <stdbool.h>

/* `is`: text, whose value goes to a `const char *`; switch, which makes an int 1; or words, of
 * which the value is one, whose number goes to an int. A table ends with an option that has no
 * name. */
struct option_row {
	const char *name;
	const char *is;
	void *place;
};

/* Returns NULL where there is none. */
const struct option_row *find_option(const struct option_row *options, const char *name);

bool is_switch(const struct option_row *option);

/* Returns whether the value, NULL for a switch, is what the option is to be; then it is in its
 * place.
 */
bool take_option(const struct option_row *option, const char *value);

#endif
