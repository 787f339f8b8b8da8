/* The data by which a process judges, for the files that fill it in and for those that ask it. */
#include "index.h"

struct rules rules = {.host_mode = -1};
struct trust_index loaded;
