/**
 * The SHA-256 of each WebAssembly module inside Node.js itself. Node.js compiles these modules by the same functions that
 * a program calls, so the guard has to allow them. Source: `process.binding("natives")` of 20.20.2, 22.23.3, 24.21.0 and
 * 26.10.0. A policy can add those of other releases.
 */
export const NODE_WEB_ASSEMBLY: readonly string[] = [
	// These are the CommonJS lexers of Node.js 20 and 22.
	"ddea0f1cce22055369eecdb67b58991cd76610872f62f0f2999d93f3c2851912",
	"261278e84d64d4a0940ac790f62d011cf50fd3bf8764e7360108fb3b4f56b0e3",
	// These are the type strippers, first of Node.js 22, then of 24 and 26.
	"2c8132e2c965a6a10024bf83dcee287fe15a0cb90f987394d1f9f3d68053a851",
	"79c79a0be6c92c7d8a1968cb1a7bed88737755d38d2b47ddfe4da5e51796a4e9",
	// These are the HTTP parsers of fetch in Node.js 20, 22, 24 and 26, each without and with vector instructions.
	"26c7a79f7ea1ea804d14ff6d90927af37d85e263ad66ba3f6751741f9e47e192",
	"2ab8c6e07cfae05cfc0925627c2ddbf1c02c330a74a0af554fe1ab405f3ef88b",
	"b96063c7ce14045f91f17489d8b30a2bf5129308bd801d7dde715579d16d0e21",
	"989f2025b23e92ae5093ceb357093df7bdf2e1e7f1f1bf383b0a4dc69a78151d",
	"57184a16144b5bc880e29105fa35d75c93dd318563e1b743e110de845e2ab661",
	"2434215e1f7fa0163f22ce895ddbeb83984fa0aa51e123164e053213e5aca028",
	"ab4573a06c43574936dc98c3943b10a4ee32798e9797329e9f327e5f64115f54",
	"18403ee56fab07f89a845028bad358bb3ebcda213f8e2ec0989a991e9c33da69",
];
