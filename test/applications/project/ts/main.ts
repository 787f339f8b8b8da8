import { type Shape, area } from "./shapes.js";

const shapes: readonly Shape[] = [{ kind: "square", side: 2 }, { kind: "circle", radius: "1" }];
export const total: string = shapes.map(area).reduce((sum, one) => sum + one, 0);
