import { expect, test } from "vitest";
import { GAPS } from "../../packages/cli/dist/commands/python/gaps.js";
import { OPEN } from "./open.js";
import { TECHNIQUES } from "./techniques/index.js";

/**
 * Users run `python gaps` on machines that do not run this suite. So this test checks that `python gaps` expects the
 * events that the suite has proven.
 */
test("`sigtool python gaps` tries ways of this suite, of nearly every class, and looks for the events that tell of them", () => {
	const classes = Object.entries(TECHNIQUES).map(([name, techniques]) => ({
		name,
		tried: GAPS.filter((gap) => techniques.some((technique) => technique.name === gap.name)),
	}));
	expect(classes.flatMap(({ tried }) => tried)).toHaveLength(GAPS.length);
	const untried = classes.filter(({ tried }) => tried.length === 0).map(({ name }) => name);
	// `gaps` does not change the standard library, because the whole machine uses it.
	expect(untried).toEqual(["standard library"]);
	for (const { name, events = [], told } of GAPS) {
		const openings = OPEN.filter(({ techniques }) => techniques.includes(name));
		const telling = openings.flatMap(({ event }) => event ?? []);
		expect([name, [...new Set(telling)].sort()]).toEqual([name, [...events].sort()]);
		expect(openings.map((opening) => opening.told)).toEqual(openings.map(() => told));
	}
});
