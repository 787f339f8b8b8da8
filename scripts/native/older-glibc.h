/* Binds the functions that glibc moved or renewed after version 2.28 to the versions that 2.28 has.
 * The parts then load wherever the official builds of Node.js 20 do. The compiler includes this
 * file before each source. */
#ifndef SIGTOOL_OLDER_GLIBC_H
#define SIGTOOL_OLDER_GLIBC_H

#ifdef __x86_64__
#define SIGTOOL_FIRST_GLIBC "GLIBC_2.2.5"
#define SIGTOOL_LINKMAP_GLIBC "GLIBC_2.3.3"
#else
#define SIGTOOL_FIRST_GLIBC "GLIBC_2.17"
#define SIGTOOL_LINKMAP_GLIBC "GLIBC_2.17"
#endif
#define SIGTOOL_BIND(name, version) __asm__(".symver " #name "," #name "@" version)

SIGTOOL_BIND(dladdr, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(dlclose, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(dlerror, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(dlvsym, SIGTOOL_FIRST_GLIBC);
/* The gate takes the place of these three. */
#ifndef SIGTOOL_GATE
SIGTOOL_BIND(dlopen, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(dlsym, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(pthread_create, SIGTOOL_FIRST_GLIBC);
#endif
SIGTOOL_BIND(dladdr1, SIGTOOL_LINKMAP_GLIBC);
SIGTOOL_BIND(dlinfo, SIGTOOL_LINKMAP_GLIBC);
SIGTOOL_BIND(pthread_join, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(pthread_mutex_trylock, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(pthread_once, SIGTOOL_FIRST_GLIBC);
SIGTOOL_BIND(pthread_sigmask, SIGTOOL_FIRST_GLIBC);

#endif
