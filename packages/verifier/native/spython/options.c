/* Guarantees that a value is stored only if the table allows it. */
#include "options.h"
#include "../shared/settings/members.h"
#include "../shared/text/words.h"
#include <string.h>

const struct option_row *find_option(const struct option_row *options, const char *name)
{
	while (options->name != NULL && strcmp(options->name, name) != 0)
		options++;
	return options->name == NULL ? NULL : options;
}

bool is_switch(const struct option_row *option)
{
	return strcmp(option->is, "switch") == 0;
}

bool take_option(const struct option_row *option, const char *value)
{
	if (is_switch(option)) {
		*(int *)option->place = 1;
		return true;
	}
	if (strcmp(option->is, "text") == 0) {
		*(const char **)option->place = value;
		return true;
	}
	const int word = word_index(value, option->is);
	if (word >= 0)
		*(int *)option->place = word;
	return word >= 0;
}
