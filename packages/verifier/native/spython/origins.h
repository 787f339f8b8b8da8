/* Remembers what the open-code hook let pass, so that text and marshalled code can be judged by
 * their content when Python makes code of them. */
#ifndef SPYTHON_ORIGINS_H
#define SPYTHON_ORIGINS_H
#include "spython.h"

/* The functions that make code of text which no file contains, and that are known to need it. The
 * last stands for all that the policy names (python.stringCodeFrom). */
enum caller { NO_CALLER, NAMEDTUPLE, FORWARD_REF, DATACLASS, SIGNATURE, NAMED_CALLER };

/* Remembers the content of a file of code that may be loaded. `real` is the file's real path.
 * Returns false with an exception if memory is lacking. */
bool note_origin(const char *real, const uint8_t digest[SHA256_BYTES], PyObject *bytes);

/* Returns true if the text is that of a signed file, of a file that the hook let pass, of a line of
 * such a .pth file, or of a module in such an archive. `file` receives the callers that the file
 * contains, or NO_CALLER. */
bool is_text_of_file(const char *text, size_t length, enum caller *file);

/* Returns true if the marshalled code is that of a .pyc which the hook let pass, alone or in an
 * archive. `file` is as above. */
bool is_code_of_file(const char *code, size_t length, enum caller *file);

/* Remembers marshalled code of the interpreter's program, which it reads before the first file.
 * Returns false if memory is lacking. */
bool note_built_in_code(const char *code, size_t length);

/* Returns true if the marshalled code was remembered like that. */
bool is_built_in_code(const char *code, size_t length);

/* Returns true if the bytes are a zip archive. */
bool is_archive(PyObject *bytes);

/* Returns true if an archive that the hook let pass has a file with this content, behind the first
 * `skipped` bytes of the file. If the content is text, an archive's \r\n counts as \n. */
bool is_in_archive(const char *content, size_t length, size_t skipped);

#endif
