export function area(side, _unit) { return side*side }
export const perimeter = side => { const   four = 4; return four * side }
