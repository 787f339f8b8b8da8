/** How a program is started: by plain CPython, by spython, by the launcher. */

import type { Runtime, Site } from "./site.js";

export function plain({ interpreter, home }: Site): Runtime {
	const { python } = interpreter;
	return {
		program: python,
		command: (options, script) => [python, ...options, ...script],
		environment: { PYTHONHOME: home, PYTHONDONTWRITEBYTECODE: "1" },
	};
}
