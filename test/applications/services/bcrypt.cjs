const bcrypt = require("bcrypt");

const salt = "$2b$04$abcdefghijklmnopqrstuu";
process.stdout.write(`${bcrypt.hashSync("a password", salt)}\n`);
bcrypt.hash("another one", salt).then(async (hash) => {
	process.stdout.write(`${hash} ${await bcrypt.compare("another one", hash)} ${await bcrypt.compare("none", hash)}\n`);
});
