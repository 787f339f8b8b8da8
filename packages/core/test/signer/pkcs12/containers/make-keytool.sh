#!/bin/sh
# Makes containers with Java's keytool. Their key is for tests and signs nothing else. The certificate is valid for a
# hundred years.
set -eu
cd "$(dirname "$0")"
rm -f keytool-default.p12 keytool-legacy.p12
make() {
	keytool "$@" -genkeypair -storetype PKCS12 -storepass 'correct horse' -alias signer -dname CN=Leaf \
		-keyalg EC -groupname secp256r1 -ext KeyUsage:critical=digitalSignature -ext ExtendedKeyUsage=codeSigning \
		-validity 36500
}
make -keystore keytool-default.p12
make -J-Dkeystore.pkcs12.legacy -keystore keytool-legacy.p12
