/* Takes the place of functions of V8 and Node.js that let code in past the text that the gate
 * judges: streamed scripts, deserialized bytecode, and the commands of an inspector. A call ends
 * the process. */
#include "gate.h"

void refuse_streaming(void)
{
	end_intrusion(&(struct finding){.kind = "streamed script"});
}

void refuse_code_cache(void)
{
	end_intrusion(&(struct finding){.kind = "bytecode"});
}

void refuse_inspector(void)
{
	end_intrusion(&(struct finding){.kind = "inspector"});
}
