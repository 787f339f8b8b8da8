import Link from "next/link";

export default function Page() {
	return (
		<main>
			<h1>Shapes</h1>
			<Link href="/squares/3">a square</Link>
		</main>
	);
}
