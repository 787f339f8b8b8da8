export default [
	{
		files: ["**/*.js"],
		languageOptions: { sourceType: "module" },
		rules: {
			eqeqeq: "error",
			"max-len": ["error", { code: 60 }],
			"no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
			"prefer-const": "error",
		},
	},
];
