/* spython is CPython that runs only code which the trust index admits. docs/reference/spython.md
 * explains it.
 *
 * A start has these steps: read the options (command-line.c), then the host configuration, the
 * index and the policy, start Python, and run the main script (run-program.c). Guarantees that both
 * hooks of PEP 578 are installed before Python imports anything. Before Python runs, every fault
 * ends the process. */
#define _GNU_SOURCE
#include "spython.h"
#include "../shared/events/event-channel.h"
#include "../shared/process/complain.h"
#include "../shared/files/kernel-check.h"
#include "../shared/confinement/lockdown.h"
#include "command-line.h"
#include "run-program.h"
#include <signal.h>
#include <stdbool.h>

enum { FINALIZE_FAILED = 120 /* the exit status of CPython if Py_FinalizeEx() fails */ };

static void require_release(void)
{
	if (strncmp(Py_GetVersion(), SPYTHON_RELEASE ".", sizeof SPYTHON_RELEASE) != 0)
		fail(REFUSED, NULL,
			"Cannot start: \"%s\" is no CPython " SPYTHON_RELEASE " any more; build spython again",
			SPYTHON_PROGRAM);
}

/* Returns the names of the features that this kernel lacks, for the event, or null if none. */
static const char *missing_in_kernel(bool can_ask, bool is_restricted)
{
	if (can_ask)
		return is_restricted ? NULL : "seccomp";
	return is_restricted ? "execve-check" : "execve-check seccomp";
}

/* Prepares what the kernel does. If the mode is enforce or strict and the rules refuse child
 * processes, makes the kernel refuse to execute other programs. If the rules want the kernel check,
 * finds out if the kernel knows AT_EXECVE_CHECK. Ends the process if the rules or mode strict
 * require a feature that this kernel lacks. Otherwise returns the names of the wanted features that
 * the kernel lacks, or null. */
static const char *prepare_kernel(void)
{
	bool can_ask = true;
	if (rules.kernel_check != KERNEL_CHECK_OFF)
		can_ask = kernel_answers();
	/* If the rules refuse child processes, the kernel refuses to execute any other program from
	 * here on. Audit events alone are not enough, because they do not cover every way to start a
	 * program. */
	const bool allows_children = rules.mode < MODE_ENFORCE || !refuses_children();
	bool is_restricted = true;
	if (!allows_children)
		is_restricted = restrict_calls(NULL, PROGRAMS_ONLY) == 0;
	if (!can_ask && rules.kernel_check == KERNEL_CHECK_REQUIRE)
		fail(REFUSED, "ERR_KERNEL_CHECK",
			"Cannot ask the kernel about code, which the policy requires: Linux before 6.14");
	if (!is_restricted && rules.mode == MODE_STRICT)
		fail(REFUSED, "ERR_START", "Cannot enforce strictly: this kernel lacks seccomp");
	return missing_in_kernel(can_ask, is_restricted);
}

/* Writes the real path of the script, or `-m` and the name of the module. */
static void name_script(char text[PATH_MAX])
{
	const char *path = *options.rest;
	text[0] = '\0';
	if (options.module != NULL)
		snprintf(text, PATH_MAX, "-m %s", options.module);
	else if (path != NULL && realpath(path, text) == NULL)
		snprintf(text, PATH_MAX, "%s", path);
}

/* Loads the index. Without an index, uses attributes alone if the command line says so, and says
 * what they prove. */
static void load_judgement(void)
{
	const char *index = options.index == NULL ? rules.index : options.index;
	if (rules.launched) {
		load_index(NULL, INDEX_DESCRIPTOR, options.mode);
		close(INDEX_DESCRIPTOR);
	} else if (index != NULL) {
		load_index(index, -1, options.mode);
	} else if (rules.xattr_ima || rules.xattr_spython) {
		use_attributes_alone(options.mode);
		dprintf(STDERR_FILENO,
			"spython: attributes alone: nothing is refused, and an event tells of each file whose "
			"attribute is not the hash of its content; %s\n",
			rules.xattr_spython
				? "this finds mistakes, not attackers, because who writes a file can write that too"
				: "only the administrator can write security.ima");
	} else {
		fail(USAGE, "ERR_HOST_CONFIG",
			"Cannot start: neither --index nor \"%s\" names a trust index", rules.host_file);
	}
}

/* Completes `rules` and loads the index. If the mode of the host configuration is off and the
 * command line asks for no other mode, no index is loaded, unless only a signed policy may say so.
 */
static void start_verifier(void)
{
	require_release();
	char script[PATH_MAX];
	read_host(options.config);
	if (rules.collects)
		close(ANSWERS_DESCRIPTOR);
	refuse_options();
	name_script(script);
	if (rules.development)
		dprintf(STDERR_FILENO,
			"spython: development: what a development identity signed counts%s\n",
			SPYTHON_DEVELOPMENT ? "; this spython was built for one" : "");
	const bool is_off = rules.host_mode == MODE_OFF && options.mode <= MODE_OFF;
	if (is_off && rules.policy_signers == NULL) {
		if (rules.is_checking)
			print_and_exit(MODE_NAMES[MODE_OFF]);
		announce(NULL, script);
		return;
	}
	load_judgement();
	const char *missing = prepare_kernel();
	if (rules.is_checking)
		print_and_exit(MODE_NAMES[rules.mode]);
	require_library();
	announce(missing, script);
	restrict_variables();
	prepare_audit();
}

static void require(PyStatus status)
{
	if (PyStatus_IsError(status))
		Py_ExitStatusException(status);
}

static void install_hooks(void)
{
	if (PyFile_SetOpenCodeHook(open_code, NULL) != 0 || PySys_AddAuditHook(on_audit, NULL) != 0)
		fail(REFUSED, "ERR_START", "Cannot start: Python does not take the hooks");
	guard_libraries();
}

/* Starts Python like `python3 -I`, but without writing bytecode, and with a fixed home, which
 * neither environment variables nor a pyvenv.cfg can change. `arguments` become sys.argv. */
static void start_python(int argument_count, char **arguments)
{
	PyConfig config;
	if (rules.mode != MODE_OFF)
		install_hooks();
	PyConfig_InitPythonConfig(&config);
	config.isolated = 1;
	config.use_environment = 0;
	config.parse_argv = 0;
	config.user_site_directory = 0;
	config.write_bytecode = 0;
#if PY_VERSION_HEX >= 0x030e0000
	config.remote_debug = 0; /* Another process names a file, which would be run (PEP 768). */
#endif
	/* The first call that sets a text also preinitializes Python, with the settings above. */
	require(PyConfig_SetBytesString(&config, &config.home, SPYTHON_HOME));
	require(PyConfig_SetBytesString(&config, &config.program_name, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesString(&config, &config.executable, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesArgv(&config, argument_count, arguments));
	require(Py_InitializeFromConfig(&config));
	PyConfig_Clear(&config);
}

#if PY_VERSION_HEX >= 0x030C0000
/* CPython exports this function, but declares it in a header of its own. */
int _PyInterpreterState_SetRunningMain(PyInterpreterState *interpreter);

/* Says, as CPython's own main() does, that this interpreter runs a program, so that no module runs
 * another one in it. */
static void mark_as_running(void)
{
	if (_PyInterpreterState_SetRunningMain(PyInterpreterState_Main()) != 0)
		fail(REFUSED, "ERR_START", "Cannot start: Python runs already");
}
#else
static void mark_as_running(void)
{
}
#endif

/* Ends the process by the signal SIGINT, so that a shell sees the reason. CPython does this after a
 * KeyboardInterrupt that the program did not catch. Returns only if the signal fails. */
static void die_of_interrupt(void)
{
	if (signal(SIGINT, SIG_DFL) != SIG_ERR)
		kill(getpid(), SIGINT);
}

int run_spython(int argument_count, char **arguments, char **Py_UNUSED(environment_variables))
{
	rules.development = SPYTHON_DEVELOPMENT;
	remember_standard_error();
	require_stack();
	parse_options(arguments + (argument_count > 0 ? 1 : 0));
	start_verifier();
	const char *path = *options.rest;
	if (options.module != NULL) {
		/* sys.argv begins with "-m" until runpy writes the module's path there. */
		options.rest++;
		*options.rest = "-m";
	}
	start_python(argument_count - (int)(options.rest - arguments), options.rest);
	mark_as_running();
	PyObject *result = options.module != NULL ? run_named_module(options.module) : run_path(path);
	const bool has_failed = result == NULL;
	const bool is_interrupted = has_failed && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
	if (has_failed) {
		PyErr_Print(); /* ends the process if the exception is SystemExit */
		give_hint();
	}
	const int finalized = Py_FinalizeEx();
	finish_events();
	if (is_interrupted)
		die_of_interrupt();
	if (finalized < 0)
		return FINALIZE_FAILED;
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
