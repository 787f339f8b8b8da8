/**
 * Returns a circle for each arrow that leads back to a node whose arrows are still being followed. The stack is an array and
 * not the call stack, so the depth has no limit.
 *
 * @param {ReadonlyMap<string, Iterable<string>>} graph the nodes to which arrows lead, by the node where they begin
 * @returns {string[][]} the nodes of each circle, the first again as the last
 */
export function circlesIn(graph) {
	const circles = [];
	const done = new Set();
	for (const start of graph.keys()) {
		if (done.has(start)) continue;
		const way = [{ node: start, arrows: [...(graph.get(start) ?? [])] }];
		for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
			const target = here.arrows.shift();
			if (target === undefined) {
				done.add(here.node);
				way.pop();
			} else if (!done.has(target)) {
				const first = way.findIndex(({ node }) => node === target);
				if (first === -1) way.push({ node: target, arrows: [...(graph.get(target) ?? [])] });
				else circles.push([...way.slice(first).map(({ node }) => node), target]);
			}
		}
	}
	return circles;
}
