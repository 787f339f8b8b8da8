/**
 * Returns the environment for `npm` in a test. vitest.config.ts takes NODE_EXTRA_CA_CERTS away from the tests, because
 * Node.js 20 starts 36 ms later with it, and keeps its value in SIGTOOL_TEST_CA_CERTS. Only the npm registry needs it.
 */
export function registryEnvironment() {
	const { SIGTOOL_TEST_CA_CERTS: certificates } = process.env;
	return certificates === undefined ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: certificates };
}
