const Database = require("better-sqlite3");

const database = new Database(":memory:");
database.function("shout", (text) => text.toUpperCase());
database.exec("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
const insert = database.prepare("INSERT INTO word (text) VALUES (?)");
database.transaction((words) => words.map((word) => insert.run(word)))(["one", "two", "three"]);
for (const row of database.prepare("SELECT id, shout(text) AS text FROM word ORDER BY text").iterate()) {
	process.stdout.write(`${row.id} ${row.text}\n`);
}
