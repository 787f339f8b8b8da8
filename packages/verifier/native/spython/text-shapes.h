/* The shapes of texts that the standard library itself makes code of. */
#ifndef SPYTHON_TEXT_SHAPES_H
#define SPYTHON_TEXT_SHAPES_H
#include "origins.h"

/* Returns true if the text has the shape of what this caller makes. A text of such a shape calls
 * nothing but what the shape names. */
bool has_shape_of(enum caller caller, const char *text);

#endif
