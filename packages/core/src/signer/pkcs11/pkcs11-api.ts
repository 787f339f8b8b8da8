/** Declares the functions of PKCS#11 modules, as packages/native/pkcs11-calls.c gives them to JavaScript. */

/** A CK_ULONG as the bytes that the module has in memory. */
export type Handle = Buffer;

export type Template = readonly { readonly type: number; readonly value: number | Buffer }[];

/**
 * These are functions of a module, PKCS#11 v2.40 §5. The message of the error that a function throws is a CKR_ name, or
 * UNTRUE_LENGTH.
 */
export interface Cryptoki {
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
	/** Returns the value of one attribute, such as CKA_ID. */
	C_GetAttributeValue(session: Handle, object: Handle, type: number): Buffer;
	/** Begins a signature with a mechanism that has no parameter. */
	C_SignInit(session: Handle, mechanism: number, key: Handle): void;
	C_Sign(session: Handle, input: Buffer): Buffer;
}

/** The functions of a module that the child process loads when it is told to. */
export interface RemoteCryptoki extends Cryptoki {
	/** @throws an Error with a clause that says why the library cannot be used as a module */
	load(path: string): void;
}

/** CK_TOKEN_INFO. Its texts are padded with spaces. */
export interface TokenInfo {
	readonly label: string;
	readonly manufacturerID: string;
	readonly model: string;
	readonly serialNumber: string;
	readonly flags: number;
}

/** The message of pkcs11-values.c for a module that counts more than it had room for. */
export const UNTRUE_LENGTH = "the module told a length that cannot be true";
