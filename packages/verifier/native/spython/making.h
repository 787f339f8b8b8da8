/* Tells which built-in function of CPython runs, if it is one that makes code. */
#ifndef SPYTHON_MAKING_H
#define SPYTHON_MAKING_H
#include "origins.h"
#include <frameobject.h>

/* The kinds of the built-in function that runs: it makes syntax trees, it compiles or executes, or
 * it reads marshalled code that was judged. */
enum maker { NO_MAKER, PARSER, COMPILER, READER };

/* A built-in function that runs. Each is found by the frame that calls it, because functions of a
 * thread end in any order where something switches stacks, as greenlet does. */
struct making {
	struct making *before; /* the one that began before, or null */
	enum maker maker;
	const PyThreadState *thread; /* a subinterpreter has another one in the same thread */
	const PyFrameObject *frame; /* the one that calls the function; what it runs has others */
	enum caller file; /* the callers in the file whose content becomes code */
	char *allowed_text; /* the text that was allowed last, or null; for 3.8 */
};

/* Notes that a built-in function begins. The result must be passed to end_making() or
 * forget_making(). Returns null with an exception if memory is lacking. */
struct making *begin_making(enum maker maker);
void forget_making(struct making *making);

/* Takes the result of the function, and returns it, or null with an exception. */
PyObject *end_making(struct making *making, PyObject *result);

/* Returns the built-in function that raises the event, or null. */
struct making *making_now(void);
enum maker maker_now(void);

/* Returns true once the functions of built-ins.c stand before those of CPython. What is made
 * earlier comes from the interpreter's program itself. */
bool is_watching(void);
void note_watching(void);

#endif
