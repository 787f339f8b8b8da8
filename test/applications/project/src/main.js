import { area } from "./shapes.js";

let unused = 1;
let side = 2;
if (side == "2") console.log("the area of a square with a side of two is", area(side));
