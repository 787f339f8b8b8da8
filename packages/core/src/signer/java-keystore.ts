/** Recognises keystores in the older forms of Java, for the message that a file is not of the expected kind. */

/**
 * Returns a text that can follow `it is` in a message and names a command that converts the keystore. Returns undefined
 * if the file is not such a keystore.
 */
export function describeJavaKeystore(bytes: Uint8Array): string | undefined {
	const kind = MAGICS[Buffer.from(bytes.subarray(0, 4)).toString("hex")];
	return kind && `a Java keystore (${kind}); ${CONVERSION}, which --p12 takes`;
}

/**
 * Maps the first four bytes of a file to the kind of keystore, as the classes JavaKeyStore and JceKeyStore of OpenJDK
 * write them.
 */
const MAGICS: Readonly<Partial<Record<string, string>>> = { feedfeed: "JKS", cececece: "JCEKS" };
const CONVERSION =
	"`keytool -importkeystore -srckeystore FILE -destkeystore key.p12 -deststoretype pkcs12` makes a PKCS#12 container of it";
