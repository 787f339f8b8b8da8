/**
 * Declares the functions of fs-xattr 0.4.0 that sigtool calls. The declarations of the package itself cannot be used,
 * because this optional package may be absent when sigtool is built.
 */
declare module "fs-xattr" {
	/**
	 * The three functions throw an Error with `code` and `errno`. The `code` is empty for an errno that the package
	 * does not know, such as EDQUOT.
	 */
	export function getAttributeSync(path: string, name: string): Buffer;
	export function setAttributeSync(path: string, name: string, value: Buffer): void;
	export function removeAttributeSync(path: string, name: string): void;
}
