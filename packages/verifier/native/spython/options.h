/* Reads the options of a command line by a table. */
#ifndef SIGTOOL_OPTIONS_H
#define SIGTOOL_OPTIONS_H
#include <stdbool.h>

/* One row of the table. An option without a name ends the table. `is` says how the value is stored
 * at `place`: "text" stores it in a `const char *`, and "switch", which has no value, stores 1 in
 * an int. Any other `is` is a list of words that spaces separate: the index of the value in the
 * list is stored in an int. */
struct option_row {
	const char *name;
	const char *is;
	void *place;
};

/* Returns the row with this name, or NULL. */
const struct option_row *find_option(const struct option_row *options, const char *name);

bool is_switch(const struct option_row *option);

/* Stores the value, which is NULL for a switch. Returns false, and stores nothing, if the option
 * does not allow the value. */
bool take_option(const struct option_row *option, const char *value);

#endif
