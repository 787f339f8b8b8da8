import { type Policy, parsePolicy } from "./policy.js";

/**
 * The policy of an index that was compiled without one. It has a file of its own, so that the hook of Node.js, which does
 * not need it, does not read it at every start.
 */
export const DEFAULT_POLICY: Policy = parsePolicy({ version: 1 });
