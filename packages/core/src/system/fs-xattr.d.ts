/** What is used of fs-xattr 0.4.0. Declared here because the package may be absent where sigtool is built. */
declare module "fs-xattr" {
	/** Failures carry `code` and `errno`; `code` is empty for a number the package does not know, EDQUOT for one. */
	export function getAttributeSync(path: string, name: string): Buffer;
	export function setAttributeSync(path: string, name: string, value: Buffer): void;
	export function removeAttributeSync(path: string, name: string): void;
}
