import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { cacheDirectory, configDirectory } from "../../dist/system/user-files.js";

describe.skipIf(process.platform === "win32")("configDirectory()", () => {
	afterEach(() => void vi.unstubAllEnvs());

	it("follows XDG_CONFIG_HOME when it is absolute", () => {
		vi.stubEnv("HOME", "/home/jane");
		vi.stubEnv("XDG_CONFIG_HOME", "/srv/config");
		expect(configDirectory()).toBe("/srv/config/sigtool");
		vi.stubEnv("XDG_CONFIG_HOME", "config");
		expect(configDirectory()).toBe("/home/jane/.config/sigtool");
		vi.stubEnv("XDG_CONFIG_HOME", "");
		expect(configDirectory()).toBe("/home/jane/.config/sigtool");
	});

	it.skipIf(systemHome() === undefined).each(["", ".", "home"])(
		"takes the system's word for the home when HOME is %j, never the current directory",
		(home) => {
			vi.stubEnv("XDG_CONFIG_HOME", undefined);
			vi.stubEnv("HOME", home);
			expect(configDirectory()).toBe(join(systemHome() ?? "", ".config", "sigtool"));
		},
	);

	it.skipIf(process.getuid?.() !== 0)("fails when neither environment nor user database has a home directory", () => {
		const script = `import(${JSON.stringify(new URL("../../dist/system/user-files.js", import.meta.url).href)}).then(({ configDirectory }) => {
			process.setuid(54321); // This user id has no entry in the password file.
			configDirectory();
		}).catch(({ code, message }) => console.log(code, message));`;
		const { stdout } = spawnSync(process.execPath, ["-e", script], { env: { HOME: "home" }, encoding: "utf8" });
		expect(stdout).toMatch(/^ERR_CONFIG Cannot find your home directory: set HOME, or XDG_CONFIG_HOME,/);
	});
});

describe.skipIf(process.platform === "win32")("cacheDirectory()", () => {
	afterEach(() => void vi.unstubAllEnvs());

	it("follows XDG_CACHE_HOME when it is absolute", () => {
		vi.stubEnv("HOME", "/home/jane");
		vi.stubEnv("XDG_CACHE_HOME", "/srv/cache");
		expect(cacheDirectory()).toBe("/srv/cache/sigtool");
		for (const relative of ["cache", ""]) {
			vi.stubEnv("XDG_CACHE_HOME", relative);
			expect(cacheDirectory()).toBe("/home/jane/.cache/sigtool");
		}
	});
});

/** Returns the home directory in the user database, or undefined if the user is not in it. */
function systemHome(): string | undefined {
	try {
		return userInfo().homedir;
	} catch {
		return undefined;
	}
}
