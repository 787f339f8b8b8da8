/* Judges what becomes code: text, syntax trees, marshalled code, and code objects that are put
 * together. */
#ifndef SPYTHON_CODE_MAKERS_H
#define SPYTHON_CODE_MAKERS_H
#include "provenance.h"

/* Returns true if text and all else that becomes code has to be of signed files. */
bool is_judged(void);

/* Tells why marshalled code is refused. */
extern const char UNSIGNED_CODE[];

/* Describes what a code object is made of. */
struct origin_of_code {
	enum provenance provenance;
	enum caller caller; /* the callers in the file that is its content */
	bool is_recorded; /* an event told of it, so that of CPython need not */
};

/* Judge text, as bytes, and a syntax tree of which code is to be made. Return false with an
 * exception if it is refused. */
bool judge_text(PyObject *bytes, PyObject *file_name, struct origin_of_code *origin);
bool judge_tree(PyObject *tree, struct origin_of_code *origin);

/* Judges text, or a syntax tree, that something else than spython's own functions makes code of.
 * Checks the event `compile`. */
int check_compile(const char *event, PyObject *arguments, const char *why);

/* Judges marshalled code that something else than marshal.loads() reads. Checks the event
 * `marshal.loads`. */
int check_marshalled(const char *event, PyObject *arguments, const char *why);

/* Returns true if a file of `imp` or `pkgutil` opens a file that becomes code (3.8 to 3.11). */
bool is_opened_by_imp(void);

#endif
