/**
 * Lists the floors of the C sources, from the lowest. A file uses functions and data of its own place and of the floors
 * below. `pnpm lint` checks that. docs/explanation/house.md explains the places.
 */

import { PARTS } from "./parts.mjs";
import { sourcesOf } from "./sources.mjs";

/** A place is a folder, or files in a folder. A folder is a place for those of its files that no other place names. */
export const FLOORS = [
	["shared/text", "shared/process"],
	["shared/digest", "shared/elf", "shared/files", "shared/settings"],
	["shared/confinement", "shared/events", "shared/index"],
	["gate/program", "spython/program"],
	["trust/{state,event-file,repeats,events}"],
	["trust/{host,owner-and-mode,term,deny-list}"],
	["trust", "libraries"],
	["collector"],
	["gate/{arena,content,engine,extent,strings,decode,lend,patch,patch-x64,patch-arm64,threads}"],
	["gate/{progress,owners,intrusion,verified-index,known,judge,verified-texts,kept-text}"],
	["launch/{events,refusal,record,descriptors,settings,options,flags}"],
	["launch/{mounts,walk,links,hard-links,protected-places,library-places,configured-files}"],
	["spython/{calls,provenance,calling-code,code-parts,text-shapes,source,source-encoding,method-tables}"],
	["spython/{refusal,veto,end,judge-file,signed-links,kept,archive-entries,origins,open-verified}"],
	["spython/{making,code-makers,built-ins,tokenizers}"],
	["addon", "gate", "launch", "spython"],
];

/** Functions that libc has as well: a part takes their place for the whole process, so no file depends on it for them. */
export const REPLACED = [
	...["dlopen", "dlmopen", "dlsym", "pthread_create"],
	...["mmap", "mmap64", "open", "open64", "openat", "openat64"],
];

/** The sources of each program and library. */
export const PROGRAMS = {
	...Object.fromEntries(Object.entries(PARTS).map(([name, { sources }]) => [name, sources])),
	spython: sourcesOf("spython", "libraries", "trust"),
};
