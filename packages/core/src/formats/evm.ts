/**
 * Encodes and parses values of `security.evm`, the attribute of the Linux kernel's Extended Verification Module
 * (security/integrity/evm/).
 *
 *     05 02 | … signature header …      portable signature, over the attributes below, owner, group and mode
 *     03 02 | … signature header …      signature over the same data and the number of one inode
 *     02 | HMAC-SHA-1, 20 bytes         HMAC under a key that only the machine has
 *
 * Only the portable signature can be written and verified. The other values are parsed so that they can be shown.
 */

import { SigtoolError } from "../errors.js";
import { IMA_ATTRIBUTE, IMA_USER_ATTRIBUTE } from "./ima.js";
import {
	checkSize,
	encodeSignature,
	type IntegritySignature,
	malformed,
	parseSignature,
} from "./integrity-signature.js";

export const EVM_ATTRIBUTE = "security.evm";
/** The attribute for use without privileges, as with `evmctl --xattr-user`. The kernel ignores it. */
export const EVM_USER_ATTRIBUTE = "user.evm";

/**
 * The attributes that a portable signature covers, in the order in which their values are hashed. They are covered
 * even if a kernel lacks their security module (evm_config_default_xattrnames in evm_main.c). `evmctl` includes the
 * three longer names of Smack only with `--smack`. A kernel can be configured with more names at run time.
 */
export const EVM_PROTECTED_ATTRIBUTES = [
	"security.selinux",
	"security.SMACK64",
	"security.SMACK64EXEC",
	"security.SMACK64TRANSMUTE",
	"security.SMACK64MMAP",
	"security.apparmor",
	IMA_ATTRIBUTE,
	"security.capability",
] as const;

export type EvmValue =
	| ({ readonly kind: "portable-signature" | "inode-signature" } & IntegritySignature)
	| { readonly kind: "hmac" };

/**
 * The data that a portable signature covers. The signature covers no name or path, and covers the content only through
 * IMA's attribute.
 */
export interface EvmSubject {
	/**
	 * The values of the EVM_PROTECTED_ATTRIBUTES that the file has. For `user.evm`, `user.ima` replaces `security.ima`.
	 */
	readonly attributes: ReadonlyMap<string, Uint8Array>;
	readonly uid: number;
	readonly gid: number;
	/** The whole `st_mode`: type, set-ID and permission bits. */
	readonly mode: number;
}

/** Returns the subject of the attribute `name`, from the result of fstat(2) and the values that `read` returns. */
export function readEvmSubject(
	name: string,
	{ uid, gid, mode }: Pick<EvmSubject, "uid" | "gid" | "mode">,
	read: (name: string) => Uint8Array | undefined,
): EvmSubject {
	const attributes = new Map<string, Uint8Array>();
	for (const covered of EVM_PROTECTED_ATTRIBUTES) {
		const isUser = name === EVM_USER_ATTRIBUTE && covered === IMA_ATTRIBUTE;
		const value = read(isUser ? IMA_USER_ATTRIBUTE : covered);
		if (value !== undefined) attributes.set(covered, value);
	}
	return { attributes, uid, gid, mode };
}

/** Parses a whole value and refuses bytes left over. @throws ERR_ATTRIBUTE_FORMAT, ERR_UNSUPPORTED_ALGORITHM */
export function parseEvm(value: Uint8Array): EvmValue {
	checkSize(value, WHAT);
	switch (value[0]) {
		case PORTABLE_SIGNATURE.type:
			return { kind: "portable-signature", ...parseSignature(value, PORTABLE_SIGNATURE, WHAT) };
		case INODE_SIGNATURE.type:
			return { kind: "inode-signature", ...parseSignature(value, INODE_SIGNATURE, WHAT) };
		case HMAC:
			if (value.length !== HMAC_BYTES) throw malformed(WHAT, `an HMAC has ${HMAC_BYTES} bytes, not ${value.length}`);
			return { kind: "hmac" };
		default:
			throw malformed(WHAT, `type ${value[0]} is not known`);
	}
}

/** Encodes a signature over `evmPortableMessage`. @throws ERR_ATTRIBUTE_SPACE */
export function encodeEvmSignature(signature: IntegritySignature): Uint8Array {
	return encodeSignature(PORTABLE_SIGNATURE, signature);
}

/**
 * Returns the message that is hashed and signed. The message consists of the values of the attributes one after the
 * other, without names or lengths, and then struct h_misc of a 64-bit little-endian machine, 24 bytes, with inode and
 * generation zero (hmac_add_misc in evm_crypto.c).
 * @throws ERR_UNSIGNED if there is no value for IMA, which the kernel requires too
 */
export function evmPortableMessage({ attributes, uid, gid, mode }: EvmSubject): Uint8Array {
	if (!attributes.has(IMA_ATTRIBUTE)) {
		const message = "Cannot use EVM: the file has no IMA attribute; sign it with `--format ima` as well";
		throw new SigtoolError("ERR_UNSIGNED", message);
	}
	const values = EVM_PROTECTED_ATTRIBUTES.map((name) => attributes.get(name) ?? NOTHING);
	const misc = Buffer.alloc(24);
	misc.writeUInt32LE(uid, 12);
	misc.writeUInt32LE(gid, 16);
	misc.writeUInt16LE(mode, 20);
	return Buffer.concat([...values, misc]);
}

const WHAT = "EVM attribute";
const NOTHING = new Uint8Array();

/** The type bytes are from enum evm_ima_xattr_type in security/integrity/integrity.h. */
const HMAC = 0x02;
const HMAC_BYTES = 21;
const INODE_SIGNATURE = { type: 0x03, version: 2 } as const;
const PORTABLE_SIGNATURE = { type: 0x05, version: 2 } as const;
