/* Decides by rules with the same sources as spython and the gate. file-rules.test.ts builds and
 * runs this program.
 *
 * Each line of standard input is an object with `rules`, `at` in seconds since 1970, and the
 * members of a file: `product`, which may be absent, `path`, `sha256` and `signers`. For each line
 * the output has a line with `allow` or `refuse`, the name of the rule or `-`, and the reason, with
 * tabs between them. */
#define _GNU_SOURCE
#include "shared/settings/file-rules.h"
#include "shared/settings/members.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	while ((length = getline(&line, &room, stdin)) > 0) {
		struct file_ruling ruling = {.is_allowed = true};
		struct file_rules *rules;
		struct json *values = calloc((size_t)length / 2 + 2, sizeof *values);
		const struct json *input = parse_json(line, (size_t)length, values, (size_t)length / 2 + 2);
		if (input == NULL)
			return EXIT_FAILURE;
		const time_t at = (time_t)json_member(input, "at")->number;
		const struct ruled_file file = {
			.product = text_of(json_member(input, "product")),
			.path = text_of(json_member(input, "path")),
			.sha256 = text_of(json_member(input, "sha256")),
			.signers = json_member(input, "signers"),
		};
		if (!make_file_rules(json_member(input, "rules"), at, &rules))
			return EXIT_FAILURE;
		if (rules != NULL)
			rule_on(rules, &file, &ruling);
		printf("%s\t%s\t%s\n", ruling.is_allowed ? "allow" : "refuse",
			ruling.rule == NULL ? "-" : ruling.rule, ruling.why);
		free(values);
	}
	free(line);
	return EXIT_SUCCESS;
}
