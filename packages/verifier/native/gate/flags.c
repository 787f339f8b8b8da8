/* Judges the flags of V8 that are set after the program has begun. Before, Node.js may set any. */
#include "gate.h"
#include <string.h>

static const char NO_STRINGS[] = "--disallow-code-generation-from-strings";

void disallow_strings(void)
{
	void (*set_flags)(const char *) = (void (*)(const char *))targets.set_flags;
	set_flags(NO_STRINGS);
}

/* Returns true for a single flag that sets a size of memory or exposes the garbage collector. Other
 * flags with a limit concern V8's compiler, and nobody has tried how it fails with a wrong limit.
 * V8 would split a text at white space into several flags, and takes `_` for `-`. */
static bool is_harmless_flag(const char *flag)
{
	static const char *const HARMLESS[] = {
		"--expose-gc",
		"--max-heap-size",
		"--max-old-space-size",
		"--max-semi-space-size",
		"--stack-size",
	};
	char name[64];
	size_t length = 0;
	for (const char *at = flag; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~')
			return false;
	}
	while (flag[length] != '\0' && flag[length] != '=' && length < sizeof name - 1) {
		name[length] = flag[length] == '_' ? '-' : flag[length];
		length++;
	}
	name[length] = '\0';
	for (size_t i = 0; i < sizeof HARMLESS / sizeof *HARMLESS; i++) {
		if (strcmp(name, HARMLESS[i]) == 0)
			return true;
	}
	return false;
}

/* SetFlagsFromString(flags, ...). Node.js itself calls it before the program begins. */
void judge_flags(struct arguments *arguments)
{
	const char *flag = arguments->at[0];
	if (has_program_begun() && flag != NO_STRINGS && !is_harmless_flag(flag))
		end_intrusion(&(struct finding){.kind = "flag of V8", .path = flag});
}

void judge_command_line_flags(struct arguments *arguments)
{
	(void)arguments;
	if (has_program_begun())
		end_intrusion(&(struct finding){.kind = "flags of V8"});
}
