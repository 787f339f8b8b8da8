/**
 * Returns the environment for `npm` in a test. vitest.config.ts removes NODE_EXTRA_CA_CERTS from the environment of
 * tests, because Node.js 20 starts 36 ms later with it, and keeps its value in SIGTOOL_TEST_CA_CERTS. Only `npm` needs
 * the value, to reach its registry.
 */
export function registryEnvironment() {
	const { SIGTOOL_TEST_CA_CERTS: certificates } = process.env;
	return certificates === undefined ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: certificates };
}
