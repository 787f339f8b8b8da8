/*
 * set-attributes write|remove|read spython|ima-hash DIR handles the attributes of a tree, on one
 * thread. The bench compares sigtool with this program.
 *
 *   write    does open, fstat, read, SHA-256 and setxattr for every regular file below DIR, even
 *            if the file has the attribute already
 *   remove   removes the attribute from every file that has it
 *   read     reads the attributes and no content, and fails for a file without the attribute
 *
 * With spython, user.org.python.x-spython-hash gets the digest in hexadecimal. With ima-hash,
 * user.ima gets 04 04 and the bytes of the digest. `write` and `read` print "files bytes sum" as
 * hash-tree.c does, but for `read` the bytes are those of the values. Symbolic links and special
 * files are left out. The exit status is 1 if something could not be done, and 2 for wrong usage.
 *
 * cc -O2 -std=c17 set-attributes.c -lcrypto
 */
#include "tree.h"
#include <stdbool.h>
#include <sys/xattr.h>

enum { VALUE_BYTES = 2 * DIGEST_BYTES };

struct format {
	const char *argument;
	const char *attribute;
	size_t prefix_bytes;
	unsigned char prefix[2];
	bool hex;
};

static const char DIGITS[] = "0123456789abcdef";

typedef void (*visitor)(int fd, const char *name);

static const struct format FORMATS[] = {
	{"spython", "user.org.python.x-spython-hash", 0, {0}, true},
	{"ima-hash", "user.ima", 2, {4, 4}, false},
};

/* The format that argv names. */
static const struct format *format;

/* These are the numbers of the printed line. */
static uint64_t files;
static uint64_t bytes;
static uint32_t sum[DIGEST_WORDS];

static struct hasher hasher;

static const struct format *find_format(const char *argument);
static void write_attribute(int fd, const char *name);
static void read_attribute(int fd, const char *name);
static void remove_attribute(int fd, const char *name);
static void for_each_file(int parent, const char *name, visitor visit);
static size_t encode(const unsigned char digest[DIGEST_BYTES], unsigned char value[VALUE_BYTES]);
static bool decode(const unsigned char *value, size_t length, unsigned char digest[DIGEST_BYTES]);
static int usage(void);

int main(int argc, char **argv)
{
	if (argc != 4)
		return usage();
	const char *action = argv[1];
	const char *directory = argv[3];
	format = find_format(argv[2]);
	if (!format)
		return usage();

	if (!strcmp(action, "remove")) {
		for_each_file(AT_FDCWD, directory, remove_attribute);
		return 0;
	}
	if (!strcmp(action, "write")) {
		start_hasher(&hasher);
		for_each_file(AT_FDCWD, directory, write_attribute);
	} else if (!strcmp(action, "read")) {
		for_each_file(AT_FDCWD, directory, read_attribute);
	} else {
		return usage();
	}
	print_totals(files, bytes, sum);
	return 0;
}

static const struct format *find_format(const char *argument)
{
	for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
		if (!strcmp(argument, FORMATS[i].argument))
			return &FORMATS[i];
	return NULL;
}

static void write_attribute(int fd, const char *name)
{
	unsigned char digest[DIGEST_BYTES], value[VALUE_BYTES];
	const off_t hashed = hash_content(&hasher, fd, name, digest);
	const size_t length = encode(digest, value);
	const int failed = fsetxattr(fd, format->attribute, value, length, 0);
	if (failed)
		fail("set the attribute of", name);
	files++;
	bytes += (uint64_t)hashed;
	add_to_sum(sum, digest);
}

static void read_attribute(int fd, const char *name)
{
	unsigned char digest[DIGEST_BYTES], value[VALUE_BYTES];
	ssize_t length = fgetxattr(fd, format->attribute, value, sizeof value);
	if (length < 0)
		fail("get the attribute of", name);
	if (!decode(value, (size_t)length, digest)) {
		errno = EBADMSG;
		fail("understand the attribute of", name);
	}
	files++;
	bytes += (uint64_t)length;
	add_to_sum(sum, digest);
}

static void remove_attribute(int fd, const char *name)
{
	const int failed = fremovexattr(fd, format->attribute);
	if (failed && errno != ENODATA)
		fail("remove the attribute of", name);
}

/* Visits the files below the directory `name` of the directory `parent`. The trees of the bench
 * bound the depth of the recursion. */
static void for_each_file(int parent, const char *name, visitor visit)
{
	const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream)
		fail("open", name);
	for (;;) {
		const struct dirent *entry = next_entry(stream, name);
		if (!entry)
			break;
		const unsigned char type = entry_type(fd, entry);
		if (type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			for_each_file(fd, entry->d_name, visit);
		if (type == DT_REG) {
			const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
			const int file = openat(fd, entry->d_name, flags);
			if (file < 0)
				fail("open", entry->d_name);
			visit(file, entry->d_name);
			close(file);
		}
	}
	closedir(stream);
}

/* Writes the attribute's value and returns its length in bytes. */
static size_t encode(const unsigned char digest[DIGEST_BYTES], unsigned char value[VALUE_BYTES])
{
	if (!format->hex) {
		memcpy(value, format->prefix, format->prefix_bytes);
		memcpy(value + format->prefix_bytes, digest, DIGEST_BYTES);
		return format->prefix_bytes + DIGEST_BYTES;
	}
	for (int i = 0; i < DIGEST_BYTES; i++) {
		value[2 * i] = (unsigned char)DIGITS[digest[i] >> 4];
		value[2 * i + 1] = (unsigned char)DIGITS[digest[i] & 15];
	}
	return VALUE_BYTES;
}

/* Reads the digest out of a value. Returns false if encode() would not write this value. */
static bool decode(const unsigned char *value, size_t length, unsigned char digest[DIGEST_BYTES])
{
	if (!format->hex) {
		if (length != format->prefix_bytes + DIGEST_BYTES ||
			memcmp(value, format->prefix, format->prefix_bytes))
			return false;
		memcpy(digest, value + format->prefix_bytes, DIGEST_BYTES);
		return true;
	}
	if (length != VALUE_BYTES)
		return false;
	for (int i = 0; i < DIGEST_BYTES; i++) {
		const char pair[] = {(char)value[2 * i], (char)value[2 * i + 1], 0};
		if (strspn(pair, DIGITS) != 2)
			return false;
		digest[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return true;
}

static int usage(void)
{
	fputs("usage: set-attributes write|remove|read spython|ima-hash DIR\n", stderr);
	return 2;
}
