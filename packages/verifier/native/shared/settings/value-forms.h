/* The forms of single values: what a row of a table allows where the value is no list. */
#ifndef SIGTOOL_VALUE_FORMS_H
#define SIGTOOL_VALUE_FORMS_H
#include "members.h"

/* Returns true if the value, or one item of a list, is of the kind that the row names, and within
 * the row's words or bounds. The members of an object are not looked at. */
bool fits(const struct member *member, const struct json *value);

#endif
