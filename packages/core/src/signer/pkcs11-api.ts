/**
 * Declares the part of pkcs11js 2.1.7 that sigtool uses. The build cannot use the declarations of that package, because
 * it is optional and may be absent.
 */

export interface Pkcs11js {
	readonly PKCS11: new () => Cryptoki;
}

/** A CK_ULONG as the bytes that the module has in memory. */
export type Handle = Buffer;

export type Template = readonly { readonly type: number; readonly value?: number | Buffer }[];

/**
 * These are functions of a module, PKCS#11 v2.40 §5. The error that a function throws has the CKR_ name in its message.
 */
export interface Cryptoki {
	load(path: string): void;
	C_Initialize(): void;
	C_Finalize(): void;
	C_GetSlotList(tokenPresent: boolean): Handle[];
	C_GetTokenInfo(slot: Handle): TokenInfo;
	C_OpenSession(slot: Handle, flags: number): Handle;
	C_CloseSession(session: Handle): void;
	C_Login(session: Handle, userType: number, pin: string): void;
	C_FindObjectsInit(session: Handle, template: Template): void;
	C_FindObjects(session: Handle, maxObjectCount: number): Handle[];
	C_FindObjectsFinal(session: Handle): void;
	C_GetAttributeValue(session: Handle, object: Handle, template: Template): readonly { readonly value: Buffer }[];
	C_SignInit(session: Handle, mechanism: { readonly mechanism: number; readonly parameter: null }, key: Handle): void;
	/** Returns the part of `output` that was filled. */
	C_Sign(session: Handle, input: Buffer, output: Buffer): Buffer;
}

/** CK_TOKEN_INFO. Its texts are padded with spaces. */
export interface TokenInfo {
	readonly label: string;
	readonly manufacturerID: string;
	readonly model: string;
	readonly serialNumber: string;
	readonly flags: number;
}
