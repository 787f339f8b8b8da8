import { area } from "../../../shapes.js";

export default async function Square({ params }) {
	const { side } = await params;
	return <p>area {area(Number(side))}</p>;
}
