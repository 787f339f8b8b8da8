/** Uses sql.js, which is SQLite as WebAssembly. */
const { DataSource, EntitySchema } = require("typeorm");

const Word = new EntitySchema({
	name: "Word",
	columns: { id: { type: Number, primary: true, generated: true }, text: { type: String } },
	relations: { language: { type: "many-to-one", target: "Language", cascade: true } },
});
const Language = new EntitySchema({
	name: "Language",
	columns: { code: { type: String, primary: true } },
});

async function main() {
	const source = await new DataSource({ type: "sqljs", entities: [Word, Language], synchronize: true }).initialize();
	const words = source.getRepository("Word");
	await words.save(["one", "two"].map((text) => ({ text, language: { code: "en" } })));
	await words.update(
		{ text: "two" },
		{ text: "deux", language: await source.getRepository("Language").save({ code: "fr" }) },
	);
	const found = await words.find({ relations: { language: true }, order: { text: "ASC" } });
	for (const { id, text, language } of found) process.stdout.write(`${id} ${text} ${language.code}\n`);
	await source.destroy();
}
main();
