export const area = (side: number): number => side ** 2;
