const { Command } = require("commander");

const program = new Command("greet").description("says hello").version("1.0.0");
program
	.command("say")
	.argument("<name>")
	.option("-n, --times <number>", "how often", Number, 1)
	.action((name, { times }) => process.stdout.write(`hello ${name}\n`.repeat(times)));
program.parse();
