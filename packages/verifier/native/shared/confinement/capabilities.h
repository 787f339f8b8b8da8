/* The capabilities of the process. */
#ifndef SIGTOOL_CAPABILITIES_H
#define SIGTOOL_CAPABILITIES_H
#include <stdbool.h>
#include <stdint.h>

/* Drops all capabilities but those whose bits are set. Returns false with errno. */
bool keep_capabilities(uint64_t kept);

#endif
