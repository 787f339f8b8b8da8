/** The real programs that run under enforcement, and what each one needs. docs/reference/compatibility.md shows this table. */

import { existsSync } from "node:fs";

/** Describes what a program needs beside the defaults, in the modes enforce and strict. */
export interface Needs {
	readonly policy: object;
	/** Directories to adopt, because the program loads libraries from there by their paths. */
	readonly directories?: readonly string[];
}

export interface Program extends Needs {
	/** The name in the table. */
	readonly name: string;
	/** The script in `programs`. */
	readonly script: string;
	/** The module that Debian's package brings. */
	readonly module: string;
	readonly debian: string;
	/** Further directories that it writes to. */
	readonly write?: readonly string[];
}

/** OpenSSL loads its module `legacy.so` from here, if Debian's package of it is installed. */
const PROVIDERS = ["/usr/lib/x86_64-linux-gnu/ossl-modules"].filter((directory) => existsSync(directory));
/** pip's copy of rich imports attrs if it is installed, and attrs compiles the methods that it makes. */
const ATTRS = existsSync("/usr/lib/python3/dist-packages/attr/_make.py")
	? { python: { stringCodeFrom: ["attr._make"] } }
	: {};
const SEMAPHORES = ["/dev/shm"];

export const PROGRAMS: readonly Program[] = [
	{ name: "pandas", script: "use_pandas.py", module: "pandas", debian: "python3-pandas", policy: {} },
	{ name: "numpy", script: "use_numpy.py", module: "numpy", debian: "python3-numpy", policy: {} },
	{
		name: "cryptography",
		script: "use_cryptography.py",
		module: "cryptography",
		debian: "python3-cryptography",
		policy: {},
		directories: PROVIDERS,
	},
	{ name: "lxml", script: "use_lxml.py", module: "lxml", debian: "python3-lxml", policy: {} },
	{ name: "pillow", script: "use_pillow.py", module: "PIL", debian: "python3-pil", policy: {} },
	{ name: "pyzmq", script: "use_zmq.py", module: "zmq", debian: "python3-zmq", policy: {} },
	{ name: "psutil", script: "use_psutil.py", module: "psutil", debian: "python3-psutil", policy: {} },
	{ name: "Django with migrations", script: "use_django.py", module: "django", debian: "python3-django", policy: {} },
	{ name: "pytest", script: "use_pytest.py", module: "pytest", debian: "python3-pytest", policy: {} },
	{ name: "gunicorn", script: "use_gunicorn.py", module: "gunicorn", debian: "gunicorn", policy: {} },
	{ name: "uvicorn", script: "use_uvicorn.py", module: "uvicorn", debian: "python3-uvicorn", policy: {} },
	{
		name: "fork pool",
		script: "use_pool.py",
		module: "multiprocessing",
		debian: "python3",
		policy: {},
		write: SEMAPHORES,
	},
	{ name: "pip", script: "use_pip.py", module: "pip", debian: "python3-pip", policy: ATTRS },
];
