/* The data by which a process judges, for the files that fill it in and for those that ask it. */
#include "../shared/process/decisions.h"
#include "index.h"

DECIDES struct rules rules = {.host_mode = -1};
DECIDES struct trust_index loaded;
