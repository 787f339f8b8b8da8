#include "../trust/trust.h"

const struct program_facts program = {
	.name = "spython",
	.version = SIGTOOL_VERSION,
	.tier = "CPython " SPYTHON_VERSION,
	.pins = SPYTHON_PINS,
	.lacks_this_pin = "it is not built into this spython, and ",
	.lacks_pins = "this spython was built without keys, and ",
};
