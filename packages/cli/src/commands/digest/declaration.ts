import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { choice } from "../../options/options.js";

export const DIGEST: CommandDeclaration = {
	name: "digest",
	description: "print digests of files as sha256sum does",
	declare(command) {
		command
			.argument("<file...>", "regular files, - for stdin")
			.addOption(
				choice("--algorithm <name>", "kind of digest", [
					"sha256",
					"sha512",
					"authenticode",
					"fsverity-sha256",
					"fsverity-sha512",
				]),
			)
			.option("--salt <hex>", "fs-verity: up to 32 bytes hashed before every block")
			.addOption(
				new Option("--block-size <bytes>", "fs-verity: size of a block (default: 4096)").choices([
					"1024",
					"2048",
					"4096",
					"8192",
					"16384",
					"32768",
					"65536",
				]),
			);
		examples(command, [
			"sigtool digest ./lib/index.js",
			"sigtool digest --algorithm sha512 *.tar.gz > SHA512SUMS",
			"sigtool digest --algorithm authenticode driver.sys",
			"sigtool digest --algorithm fsverity-sha256 --salt 00ff --block-size 1024 ./bin/tool",
		]);
		return async () => (await import("./digest.js")).digest;
	},
};
