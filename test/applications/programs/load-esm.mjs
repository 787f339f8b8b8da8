/** Close to a thousand ECMAScript modules. */
import * as dates from "date-fns";
import * as lodash from "lodash-es";

process.stdout.write(`${Object.keys(dates).length + Object.keys(lodash).length} exports\n`);
