/* Judges owners and modes with the same source as spython and the gate. owner-and-mode.test.ts
 * builds and runs this program.
 *
 * Each line of standard input has four numbers: 1 if the policy demands root, else 0; 1 if it
 * refuses that others write, else 0; the owner; and the mode. For each line the output has a line
 * with the code, the detail, the reason and the way out, with tabs between them, or `accepted`. */
#include "trust/trust.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct rules rules;

int main(void)
{
	unsigned owner;
	unsigned mode;
	while (scanf("%d %d %u %u", &rules.demands_root, &rules.refuses_others_write, &owner, &mode) ==
		4) {
		const struct stat status = {.st_uid = owner, .st_mode = mode};
		struct access_fault fault;
		if (accepts_owner_and_mode(&status, &fault))
			puts("accepted");
		else
			printf("%s\t%s\t%s\t%s\n", fault.code, fault.detail, fault.why, fault.mend);
	}
	return EXIT_SUCCESS;
}
