import { fileURLToPath } from "node:url";

// Next.js looks for itself below this directory, which contains node_modules.
export default { turbopack: { root: fileURLToPath(new URL("../..", import.meta.url)) } };
