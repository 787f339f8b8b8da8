/* Finds what tells administrators where a process belongs: its unit of systemd, its user, and the
 * host. These facts are for events, and nothing is decided by them. */
#ifndef SIGTOOL_START_FACTS_H
#define SIGTOOL_START_FACTS_H

enum { MAX_FACT = 256 };

/* Texts are empty if the system does not tell. */
struct start_facts {
	/* The unit, such as `app.service`, that the control group of the process is named after. */
	char unit[MAX_FACT];
	/* The number of the user, in decimal. */
	char uid[16];
	char host[MAX_FACT];
};

void find_start_facts(struct start_facts *facts);

#endif
