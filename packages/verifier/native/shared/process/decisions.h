/* Keeps what decides what may run where nobody can change it later.
 *
 * Guarantees, in a library that is compiled with SIGTOOL_SEALS, that variables marked DECIDES and
 * kept memory can be written only between open_decisions() and seal_decisions(). Then a bug by
 * which a program writes to memory ends the process instead. In other programs they are usual
 * memory.
 *
 * DECIDES puts a variable among those that the dynamic loader makes read-only (PT_GNU_RELRO), which
 * have pages of their own. So nothing may write to it before open_decisions(). */
#ifndef SIGTOOL_DECISIONS_H
#define SIGTOOL_DECISIONS_H
#include <stdbool.h>
#include <stddef.h>

#ifdef SIGTOOL_SEALS
#define DECIDES __attribute__((section(".data.rel.ro.decides")))
#else
#define DECIDES
#endif

/* Makes the variables writable. Call it first, while the process has one thread. Returns false with
 * errno if that is impossible. */
bool open_decisions(void);

/* Makes variables and kept memory read-only. The kernel then refuses to make them writable again,
 * from Linux 6.10 on. Returns false with errno if they cannot be made read-only. */
bool seal_decisions(void);

/* Returns memory of zeros that is never freed, or NULL. Only one thread may call this. After
 * seal_decisions() the memory stays writable. */
void *keep_memory(size_t size);

/* Keeps a copy of `length` bytes, with a NUL behind them. */
char *keep_string(const char *text, size_t length);

/* Returns pages of zeros for a decision that is made later, or NULL. They stay writable until
 * seal_pages(). */
void *keep_pages(size_t size);
bool seal_pages(void *pages, size_t size);

#endif
