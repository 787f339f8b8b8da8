export type Shape = { readonly kind: "square"; readonly side: number } | { readonly kind: "circle"; readonly radius: number };

export function area(shape: Shape): number {
	return shape.kind === "square" ? shape.side ** 2 : Math.PI * shape.radius ** 2;
}
