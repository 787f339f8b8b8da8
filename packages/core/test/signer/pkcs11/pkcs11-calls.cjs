/**
 * Calls every function of a PKCS#11 module through an addon: `node pkcs11-calls.cjs ADDON MODULE ROUNDS STATES`. STATES
 * is a list in JSON of environment variables for the module. Prints a list in JSON: for each state and function the
 * lengths of its results and the messages of its errors. An exception that is no Error ends the program.
 */

const { argv, env, stdout } = process;
const [, , addon, modulePath, rounds, states] = argv;

const handle = Buffer.alloc(8, 1);
const template = [
	{ type: 0, value: 3 },
	{ type: 0x102, value: Buffer.from("id") },
];
const CALLS = {
	C_Initialize: [],
	C_GetSlotList: [true],
	C_GetTokenInfo: [handle],
	C_OpenSession: [handle, 4],
	C_Login: [handle, 1, "a PIN of the tests"],
	C_FindObjectsInit: [handle, template],
	C_FindObjects: [handle, 100],
	C_FindObjectsFinal: [handle],
	C_GetAttributeValue: [handle, handle, 0x11],
	C_SignInit: [handle, 1, handle],
	C_Sign: [handle, Buffer.alloc(51, 7)],
	C_CloseSession: [handle],
	C_Finalize: [],
};

stdout.write(JSON.stringify(JSON.parse(states).map(outcomesIn)));

function outcomesIn(state) {
	Object.assign(env, state);
	const outcomes = {};
	try {
		const cryptoki = require(addon).loadPkcs11(modulePath);
		for (let round = 0; round < Number(rounds); round++) {
			for (const [name, args] of Object.entries(CALLS)) {
				const outcome = outcomeOf(() => cryptoki[name](...args));
				outcomes[name] ??= [];
				if (!outcomes[name].includes(outcome)) outcomes[name].push(outcome);
			}
		}
	} catch (error) {
		outcomes.load = [error.message];
	}
	for (const name of Object.keys(state)) delete env[name];
	return outcomes;
}

/** Returns the length of a result, or a text that describes it. Reads every byte, so that a sanitizer checks them. */
function outcomeOf(call) {
	try {
		const value = call();
		if (Buffer.isBuffer(value)) return Buffer.from(value).length;
		if (Array.isArray(value)) return value.map((each) => Buffer.from(each)).length;
		return value === undefined ? "none" : Object.keys(value).join();
	} catch (error) {
		if (error instanceof Error) return error.message;
		throw error;
	}
}
