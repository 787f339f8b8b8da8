const greet = require("./greet.cjs");

module.exports = (text) => `${greet(text).toUpperCase()}!`;
