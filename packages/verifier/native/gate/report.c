/* Reports in mode audit what the gate would refuse in mode enforce, and lets all of it pass. So the
 * program runs as in plain Node.js. The gate then stands only in front of texts and libraries: the
 * hook tells of everything else that it refuses. */
#define _GNU_SOURCE
#include "../shared/process/decisions.h"
#include "gate.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static DECIDES bool only_reports; /* set before there is another thread */

bool is_only_reporting(void)
{
	return only_reports;
}

void report_only(void)
{
	only_reports = true;
}

void report_or_end(const struct finding *finding)
{
	if (!only_reports)
		end_intrusion(finding);
	if (finding->digest == NULL || is_new(finding->digest))
		tell("gate.intrusion", AUDIT, finding, "ERR_UNTRUSTED_CODE");
}

/* V8 gets a module without the byte order mark of its file, and CommonJS with it. */
static bool has_content_behind_mark(int file, const uint8_t digest[SHA256_BYTES])
{
	static const uint8_t MARK[] = {0xef, 0xbb, 0xbf};
	uint8_t beginning[sizeof MARK];
	return pread(file, beginning, sizeof MARK, 0) == (ssize_t)sizeof MARK &&
		memcmp(beginning, MARK, sizeof MARK) == 0 && has_content(file, sizeof MARK, digest);
}

bool is_content_of_file(const char *path, const uint8_t digest[SHA256_BYTES])
{
	struct stat status;
	if (path == NULL || *path != '/')
		return false;
	const int file = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	const bool is_same = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
		(has_content(file, 0, digest) || has_content_behind_mark(file, digest));
	close(file);
	return is_same;
}
