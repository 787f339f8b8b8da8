/*
 * set-attributes write|remove|read spython|ima-hash DIR: the yardstick for attributes, on one
 * thread.
 *
 * write:  open, fstat, read, SHA-256 and setxattr of every regular file under DIR, whatever the
 * file has remove: takes the attribute from every file that has it read:   the attributes alone, no
 * content; a file that has none is a failure
 *
 * spython is the digest in hexadecimal in user.org.python.x-spython-hash; ima-hash is 04 04 and its
 * octets in user.ima. write and read print the line of hash-tree.c, "files bytes sum"; read's bytes
 * are those of the values. Symbolic links and special files are left out. Exit 1: something could
 * not be done.
 *
 * cc -O2 -std=c17 set-attributes.c -lcrypto
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 128 * 1024,
	DIGEST_BYTES = 32,
	DIGEST_WORDS = 8,
	VALUE_BYTES = 2 * DIGEST_BYTES
};

struct format {
	const char *argument, *attribute;
	size_t prefix_bytes;
	unsigned char prefix[2];
	bool hex;
};

typedef void (*visitor)(int fd, const char *name);

static const struct format FORMATS[] = {
	{"spython", "user.org.python.x-spython-hash", 0, {0}, true},
	{"ima-hash", "user.ima", 2, {4, 4}, false},
};

static const struct format *format;
static uint64_t files, bytes;
static uint32_t sum[DIGEST_WORDS];
static EVP_MD *sha256;
static EVP_MD_CTX *context;
static unsigned char buffer[BUFFER_BYTES];

static void write_attribute(int fd, const char *name);
static void read_attribute(int fd, const char *name);
static void remove_attribute(int fd, const char *name);
static void for_each_file(int parent, const char *name, visitor visit);
static unsigned char entry_type(int directory, const struct dirent *entry);
static off_t hash_content(int fd, const char *name, unsigned char digest[DIGEST_BYTES]);
static size_t encode(const unsigned char digest[DIGEST_BYTES], unsigned char value[VALUE_BYTES]);
static bool decode(const unsigned char *value, size_t length, unsigned char digest[DIGEST_BYTES]);
static void add_to_sum(const unsigned char digest[DIGEST_BYTES]);
static int usage(void);
static _Noreturn void fail(const char *action, const char *object);

int main(int argc, char **argv)
{
	if (argc != 4)
		return usage();
	for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
		if (!strcmp(argv[2], FORMATS[i].argument))
			format = &FORMATS[i];
	if (!format)
		return usage();

	if (!strcmp(argv[1], "remove")) {
		for_each_file(AT_FDCWD, argv[3], remove_attribute);
		return 0;
	}
	if (!strcmp(argv[1], "write")) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		context = EVP_MD_CTX_new();
		if (!sha256 || !context)
			fail("prepare", "SHA-256");
		for_each_file(AT_FDCWD, argv[3], write_attribute);
	} else if (!strcmp(argv[1], "read")) {
		for_each_file(AT_FDCWD, argv[3], read_attribute);
	} else {
		return usage();
	}
	printf("%ju %ju ", (uintmax_t)files, (uintmax_t)bytes);
	for (int word = 0; word < DIGEST_WORDS; word++)
		printf("%08x", sum[word]);
	putchar('\n');
	return 0;
}

static void write_attribute(int fd, const char *name)
{
	unsigned char digest[DIGEST_BYTES], value[VALUE_BYTES];
	bytes += (uint64_t)hash_content(fd, name, digest);
	if (fsetxattr(fd, format->attribute, value, encode(digest, value), 0) < 0)
		fail("set the attribute of", name);
	files++;
	add_to_sum(digest);
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
	add_to_sum(digest);
}

static void remove_attribute(int fd, const char *name)
{
	if (fremovexattr(fd, format->attribute) < 0 && errno != ENODATA)
		fail("remove the attribute of", name);
}

/* The directory `name` of the one at `parent`; depth is bounded by the trees of the bench. */
static void for_each_file(int parent, const char *name, visitor visit)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	if (!stream)
		fail("open", name);
	while ((errno = 0, entry = readdir(stream))) {
		switch (entry_type(fd, entry)) {
		case DT_DIR:
			if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
				for_each_file(fd, entry->d_name, visit);
			break;
		case DT_REG: {
			int file = openat(fd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
			if (file < 0)
				fail("open", entry->d_name);
			visit(file, entry->d_name);
			close(file);
		}
		}
	}
	if (errno)
		fail("list", name);
	closedir(stream);
}

/* Some filesystems leave d_type unknown. */
static unsigned char entry_type(int directory, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail("examine", entry->d_name);
	return IFTODT(st.st_mode);
}

static off_t hash_content(int fd, const char *name, unsigned char digest[DIGEST_BYTES])
{
	struct stat st;
	off_t done = 0;
	ssize_t n;
	if (fstat(fd, &st) < 0)
		fail("examine", name);
	EVP_DigestInit_ex(context, sha256, NULL);
	do {
		if ((n = read(fd, buffer, BUFFER_BYTES)) < 0)
			fail("read", name);
		EVP_DigestUpdate(context, buffer, (size_t)n);
		done += n;
	} while (n > 0 && done < st.st_size);
	if (done != st.st_size) {
		errno = ESTALE;
		fail("hash a changing", name);
	}
	EVP_DigestFinal_ex(context, digest, NULL);
	return done;
}

static size_t encode(const unsigned char digest[DIGEST_BYTES], unsigned char value[VALUE_BYTES])
{
	if (!format->hex) {
		memcpy(value, format->prefix, format->prefix_bytes);
		memcpy(value + format->prefix_bytes, digest, DIGEST_BYTES);
		return format->prefix_bytes + DIGEST_BYTES;
	}
	for (int i = 0; i < DIGEST_BYTES; i++) {
		value[2 * i] = (unsigned char)"0123456789abcdef"[digest[i] >> 4];
		value[2 * i + 1] = (unsigned char)"0123456789abcdef"[digest[i] & 15];
	}
	return VALUE_BYTES;
}

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
		if (strspn(pair, "0123456789abcdef") != 2)
			return false;
		digest[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return true;
}

static void add_to_sum(const unsigned char digest[DIGEST_BYTES])
{
	for (int word = 0; word < DIGEST_WORDS; word++) {
		uint32_t value;
		memcpy(&value, digest + 4 * word, 4);
		sum[word] += le32toh(value);
	}
}

static int usage(void)
{
	fputs("usage: set-attributes write|remove|read spython|ima-hash DIR\n", stderr);
	return 2;
}

static _Noreturn void fail(const char *action, const char *object)
{
	fprintf(stderr, "set-attributes: cannot %s %s: %s\n", action, object, strerror(errno));
	exit(1);
}
