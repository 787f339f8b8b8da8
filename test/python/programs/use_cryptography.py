"""Makes a key, signs, seals, and writes a certificate."""
import datetime
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

key = ed25519.Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"text"), b"text")
sealed = Fernet(Fernet.generate_key())
print(sealed.decrypt(sealed.encrypt(b"sealed")))
own = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
start = datetime.datetime(2026, 1, 1)
builder = x509.CertificateBuilder(name, name, own.public_key(), 7, start, start + datetime.timedelta(days=9))
print(builder.sign(own, hashes.SHA256()).subject.rfc4514_string())
