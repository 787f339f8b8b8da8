/* Tells which Python function runs. */
#ifndef SPYTHON_CALLING_CODE_H
#define SPYTHON_CALLING_CODE_H
#include "provenance.h"

/* Returns which of the callers the Python function is that runs. */
enum caller caller_now(void);

/* Returns true if the Python function that runs was made of the content of a file, and the text is
 * a constant in its code. So the text is part of that file. */
bool is_constant_of_function(const char *text, size_t length);

/* Returns true if the import system makes code of bytecode. */
bool is_importing_bytecode(void);

/* Returns true if `imp` or `pkgutil` load a file, or open one. They do so by themselves in 3.8 to
 * 3.11, past the open-code hook. */
bool is_called_by_imp(void);

#endif
