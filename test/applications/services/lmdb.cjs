/** Stores words in a database below the directory that the first argument names. */
const { join } = require("node:path");
const { open } = require("lmdb");

const database = open({ path: join(process.argv[2], `words-${process.pid}`) });
database.transactionSync(() => {
	for (const [index, word] of ["three", "one", "two"].entries()) database.putSync(word, { index });
});
for (const { key, value } of database.getRange()) process.stdout.write(`${key} ${value.index}\n`);
database.close().then(() => process.stdout.write("closed\n"));
