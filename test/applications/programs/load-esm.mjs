/** Loads more than six hundred small ECMAScript modules, and a dozen big ones. */
import * as lodash from "lodash-es";
import * as prettier from "prettier";
import * as acorn from "prettier/plugins/acorn";
import * as babel from "prettier/plugins/babel";
import * as estree from "prettier/plugins/estree";
import * as markdown from "prettier/plugins/markdown";
import * as postcss from "prettier/plugins/postcss";
import * as typescript from "prettier/plugins/typescript";

const modules = [lodash, prettier, acorn, babel, estree, markdown, postcss, typescript];
process.stdout.write(`${modules.flatMap(Object.keys).length} exports\n`);
