const ejs = require("ejs");

const template = "<ul><% for (const word of words) { %><li><%= word %></li><% } %></ul>\n";
process.stdout.write(ejs.render(template, { words: ["one", "<two>"] }));
