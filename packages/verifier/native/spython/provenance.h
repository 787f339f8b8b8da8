/* Knows of each code object where it comes from. */
#ifndef SPYTHON_PROVENANCE_H
#define SPYTHON_PROVENANCE_H
#include "origins.h"

/* The content that a code object was made of. UNSEEN stands for code that native code has made by
 * itself. */
enum provenance {
	UNSEEN,
	OF_FILE, /* the content of a file, or a constant in it */
	OF_SHAPE, /* text of an admitted shape, which a program has filled in */
	OF_RECORD, /* text that the policy lets pass, or that an event recorded */
};

/* Marks a code object, and those in its constants. `caller` counts only for the content of a file.
 * Returns false with an exception. */
bool mark_code(PyObject *code, enum provenance provenance, enum caller caller);

/* Return the marks of a code object. No program can forge or remove them, and they end with the
 * object. */
enum provenance provenance_of(PyObject *code);
enum caller caller_of(PyObject *code);

#endif
