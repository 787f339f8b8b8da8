/* Executes a command with the descriptors that sigtool-launch passes on: copies of two files, in
 * memory that cannot change.
 *
 * Usage: `emulated-launch INDEX RECORD COMMAND...` */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* INDEX_DESCRIPTOR and RECORD_DESCRIPTOR in start.c, and ALL_SEALS in trust.h */
enum { FIRST = 3, SECOND = 4, SEALS = 15 };

static int copy_sealed(const char *path)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	const int memory = memfd_create("copy", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (file < 0 || memory < 0)
		err(EXIT_FAILURE, "Cannot copy \"%s\"", path);
	while (sendfile(memory, file, NULL, 1 << 20) > 0)
		continue;
	if (fcntl(memory, F_ADD_SEALS, SEALS) != 0)
		err(EXIT_FAILURE, "Cannot seal memory");
	return memory;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(EXIT_FAILURE, "usage: emulated-launch INDEX RECORD COMMAND...");
	/* The copies are out of the way before the two descriptors are replaced. */
	const int index = fcntl(copy_sealed(argv[1]), F_DUPFD_CLOEXEC, SECOND + 1);
	const int record = fcntl(copy_sealed(argv[2]), F_DUPFD_CLOEXEC, SECOND + 1);
	if (dup2(index, FIRST) < 0 || dup2(record, SECOND) < 0)
		err(EXIT_FAILURE, "Cannot pass on descriptors");
	execvp(argv[3], argv + 3);
	err(EXIT_FAILURE, "Cannot execute \"%s\"", argv[3]);
}
