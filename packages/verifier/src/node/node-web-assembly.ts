/** WebAssembly inside Node.js itself, by the SHA-256 of each module: what fetch, the type stripper and the CommonJS lexer compile. */
export const NODE_WEB_ASSEMBLY: readonly string[] = [];
