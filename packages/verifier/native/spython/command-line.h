/* The command line of spython. options.h reads its options by a table. */
#ifndef SPYTHON_COMMAND_LINE_H
#define SPYTHON_COMMAND_LINE_H

/* The members whose meaning is no rule. The others are in `rules`. */
struct command_line {
	const char *index;
	const char *config;
	int mode; /* -1 if the command line has none */
	const char *module; /* the name after -m, or null */
	const char *refused; /* the first option that spython does not have; "-" without a script */
	char **rest; /* the script, or `-m` and a module, and the arguments after it */
};
extern struct command_line options;

/* Fills in `options`, and the `rules` that the command line sets. An unknown option, such as one of
 * Python, is refused later by refuse_options(), when the sinks for events are open. Ends the
 * process with an answer if the command line only asks what this spython is. */
void parse_options(char **arguments);

/* Ends the process with an event if parse_options() has found an option that spython does not
 * have. */
void refuse_options(void);

/* Prints a line and ends the process, with EXIT_FAILURE if the line could not be printed. */
_Noreturn void print_and_exit(const char *text);

#endif
