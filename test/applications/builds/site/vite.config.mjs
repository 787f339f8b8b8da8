export default { logLevel: "warn", build: { sourcemap: true, minify: true } };
