/** PEM texts. Without `ca`, the authorities of Node.js count. */
export interface TlsFiles {
	readonly ca?: Buffer | undefined;
	readonly cert?: Buffer | undefined;
	readonly key?: Buffer | undefined;
}
