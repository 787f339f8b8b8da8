/* Guarantees that a runtime gets only the flags below. The caller of the launcher cannot add
 * flags. */
#include "flags.h"
#include "options.h"
#include "runtime.h"
#include "settings.h"
#include "../shared/settings/mode.h"
#include <stdlib.h>

struct flag {
	bool is_given;
	const char *text;
};

static char **append(char **next, const struct flag *flags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!flags[i].is_given)
			continue;
		/* The cast is needed because argv is not const. It is safe, because execveat() changes
		 * no text. */
		*next = (char *)flags[i].text;
		next++;
	}
	return next;
}

/* Mode audit gets each flag that decides how Node.js finds and loads files, because the hook
 * supports no other way. So a program that runs in enforce also runs in audit. Mode audit gets no
 * flag by which Node.js itself refuses: such a refusal would be no event.
 *
 * In mode strict the permission model of Node.js closes ways to native code that no hook sees.
 * These flags allow all reading, writing and network access, and child processes. Landlock
 * restricts writing. The kernel refuses child processes, without whose filter strict does not
 * start, and its answer is an error that programs expect. That of the permission model is not. */
char **append_node_flags(
	char **next, const struct settings *settings, const struct runtime *runtime)
{
	const bool is_on = settings->mode != MODE_OFF;
	const bool enforces = settings->mode >= MODE_ENFORCE;
	const bool is_strict = settings->mode == MODE_STRICT;
	const int major = atoi(settings->node_major);
	const bool is_before_22 = major < 22;
	const bool no_strings = is_strict || settings->string_code != NULL;
	/* If the verifier's addon is to be loaded, Node.js must allow addons. Then the hook refuses all
	 * other addons. */
	const bool no_addons = settings->addons != NULL && runtime->addon == NULL;
	/* Node.js 20 runs import hooks in a worker thread. So workers stay allowed there, and the hook
	 * refuses the workers of the program. */
	const bool no_workers = settings->workers != NULL && !is_before_22;
	const bool is_experimental = is_before_22 || major >= 25;
	const struct flag flags[] = {
		{is_on, "--require"},
		{is_on, runtime->hook},
		{enforces && no_strings, "--disallow-code-generation-from-strings"},
		{is_on && is_before_22, "--no-experimental-require-module"},
		{is_on && !is_before_22, "--disable-sigusr1"},
		{enforces && no_addons, "--no-addons"},
		{is_strict && is_before_22, "--experimental-permission"},
		{is_strict && !is_before_22, "--permission"},
		{is_strict, "--allow-fs-read=*"},
		{is_strict, "--allow-fs-write=*"},
		{is_strict, "--allow-child-process"},
		{is_strict && major >= 25, "--allow-net"},
		{is_strict, "--disable-warning=SecurityWarning"},
		{is_strict && is_experimental, "--disable-warning=ExperimentalWarning"},
		{is_strict && !no_addons, "--allow-addons"},
		{is_strict && !no_workers, "--allow-worker"},
	};
	const size_t count = sizeof flags / sizeof *flags;
	_Static_assert(sizeof flags / sizeof *flags < MAX_FLAGS, "they fit behind the program's name");
	return append(next, flags, count);
}

/* These are options of spython. CPython does not know the first of them. So if the dynamic loader
 * does not load spython, CPython ends with an error and nothing runs. */
char **append_python_flags(
	char **next, const struct settings *settings, const struct options *options)
{
	const bool has_audit = settings->audit != NULL;
	const bool is_shared = *settings->shared.sha256 != '\0';
	const struct flag flags[] = {
		{true, "--launched"},
		{true, "--mode"},
		{true, MODE_NAMES[settings->mode]},
		{true, "--config"},
		{true, settings->config},
		{has_audit, "--audit"},
		{has_audit, settings->audit},
		{settings->collects, "--collector"},
		{settings->roots_length > 0, "--roots"},
		{settings->roots_length > 0, settings->roots},
		{is_shared, "--index-sha256"},
		{is_shared, settings->shared.sha256},
		{is_shared, "--content-sha256"},
		{is_shared, settings->shared.content},
		{settings->development, "--allow-development"},
		{options->is_module, "-m"},
		{!options->is_module, "--"},
	};
	const size_t count = sizeof flags / sizeof *flags;
	_Static_assert(sizeof flags / sizeof *flags < MAX_FLAGS, "they fit behind the program's name");
	return append(next, flags, count);
}
