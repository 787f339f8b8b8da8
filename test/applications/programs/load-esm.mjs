/** More than six hundred ECMAScript modules, most of them small. */
import * as lodash from "lodash-es";

process.stdout.write(`${Object.keys(lodash).length} exports\n`);
