/** Handles environment variables that contain secrets. No child process inherits them. */

export const PASSPHRASE_VARIABLE = "SIGTOOL_PASSPHRASE";
export const PIN_VARIABLE = "SIGTOOL_PIN";

/** Returns the variable's value and deletes the variable. */
export function takeSecret(variable: string): string | undefined {
	const value = process.env[variable];
	delete process.env[variable];
	return value;
}

/** Returns the environment for a child process, without the secrets. */
export function environmentWithoutSecrets(): NodeJS.ProcessEnv {
	const { [PASSPHRASE_VARIABLE]: _, [PIN_VARIABLE]: __, ...environment } = process.env;
	return environment;
}
