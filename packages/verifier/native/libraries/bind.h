/* Binds references of a loaded library. The program defines dlopen(3) and dlmopen(3) itself. */
#ifndef SIGTOOL_BIND_H
#define SIGTOOL_BIND_H

/* Makes the library with this handle call dlopen() and dlmopen() of this program, whatever versions
 * of these symbols it names. */
void bind_references(void *handle);

#endif
