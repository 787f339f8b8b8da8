/** Environment variables that hold secrets, which no child of this process inherits. */

export const PASSPHRASE_VARIABLE = "SIGTOOL_PASSPHRASE";
export const PIN_VARIABLE = "SIGTOOL_PIN";

/** The variable's value; from here on it is in the environment no more. */
export function takeSecret(variable: string): string | undefined {
	const value = process.env[variable];
	delete process.env[variable];
	return value;
}

/** The environment for a child. */
export function environmentWithoutSecrets(): NodeJS.ProcessEnv {
	const { [PASSPHRASE_VARIABLE]: _, [PIN_VARIABLE]: __, ...environment } = process.env;
	return environment;
}
