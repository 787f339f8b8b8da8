/** Handles the environment variables that contain secrets, and keeps these variables from child processes. */

export const PASSPHRASE_VARIABLE = "SIGTOOL_PASSPHRASE";
export const PIN_VARIABLE = "SIGTOOL_PIN";
export const SECRET_VARIABLES = [PASSPHRASE_VARIABLE, PIN_VARIABLE] as const;

/** Returns the value of the variable and deletes the variable, so that later child processes do not inherit it. */
export function takeSecret(variable: string): string | undefined {
	const value = process.env[variable];
	delete process.env[variable];
	return value;
}

/** Returns a copy of the environment without the secrets, for a child process. */
export function environmentWithoutSecrets(): NodeJS.ProcessEnv {
	const { [PASSPHRASE_VARIABLE]: _, [PIN_VARIABLE]: __, ...environment } = process.env;
	return environment;
}
