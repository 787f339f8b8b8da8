export { createVerifier, type Verifier, type VerifierOptions } from "./verifier.js";
