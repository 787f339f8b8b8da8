#include "../trust/trust.h"

const struct program_facts program = {
	.name = "sigtool-gate",
	.version = "",
	.tier = "",
	.is_beside_hook = true,
	.pins = "",
	.lacks_this_pin = "",
	.lacks_pins = "",
};
