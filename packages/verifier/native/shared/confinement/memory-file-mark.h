/* The sixth argument of each memfd_create() that the filter of lockdown.h allows with MEMORY_FILES.
 */
#ifndef SIGTOOL_MEMORY_FILE_MARK_H
#define SIGTOOL_MEMORY_FILE_MARK_H

#define MEMORY_FILE_MARK 0x736967746f6f6c21

#endif
