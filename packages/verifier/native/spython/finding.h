/* The result of judging a file of code, Python or native, and the functions that judge it. They
 * need nothing of Python, because native code may load more from any thread. */
#ifndef SPYTHON_FINDING_H
#define SPYTHON_FINDING_H
#include "../trust/trust.h"
#include <sys/stat.h>

/* Describes the result of judging a file. */
struct finding {
	const char *reason; /* an error code, or null if the file is trusted */
	const char *rule; /* the rule that decided, which the event contains */
	const char *why; /* the reason as text, or null if the file is trusted */
	const char *denial; /* the reason in the deny list, or null */
	const char *mend; /* the way out as text, or null if the reason tells it */
	const char *detail; /* the owner and mode, if one of them is the reason, else null */
};

/* Describes a file that was opened. */
struct opened {
	const char *path; /* the path by which the file was opened */
	char real[PATH_MAX];
	char hex[SHA256_HEX + 1]; /* the digest of the content; "" before it was read */
	char expected[SHA256_HEX + 1]; /* the signed digest if it differs, else "" */
	uint8_t digest[SHA256_BYTES];
	char size[80]; /* why the file is too large, if it is */
	struct access_fault access; /* that of the owner or the mode, if one of them is refused */
	struct file_ruling ruling; /* that of the policy's rules, if the file got so far */
	int descriptor;
	bool is_native;
	struct stat stat;
	struct entry entry;
};

/* judge-file.c */

/* Judges the type and the size, before the content is read. `reason` is null if it may be read. */
struct finding judge_unread(struct opened *file);

/* Judges a file whose digest is known. The owner and the mode count after the content, and the
 * kernel is asked last, and only about a trusted file. */
struct finding judge(struct opened *file);

/* Writes the size of a file for an event, or an empty text if no policy is likely to find it too
 * large. Returns the text. */
enum { SIZE_ROOM = 24 };
const char *text_of_size(const struct stat *status, char text[SIZE_ROOM]);

/* Returns what the mode makes of a finding. A file whose content was not read is refused in every
 * mode. */
enum verdict verdict_of(const struct finding *finding, bool has_bytes);

/* Returns the message of a refusal, in static memory of the calling thread. */
const char *message_of(const struct opened *file, const struct finding *finding);

/* signed-links.c */

/* Returns true if `path` leads to the file whose real path is `real`, and each link on the path
 * that is inside a product has the target that was signed. The loader opens the path of native code
 * again. So in strict mode such a path may contain no link and no `..` outside of the products. */
bool leads_to(const char *path, const char *real, bool is_native);

#endif
