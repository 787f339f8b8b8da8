import { area } from "./shapes.ts";

const side: number = 3;
document.body.append(`area ${area(side)}`);
import("./later.js").then(({ later }) => document.body.append(later));
