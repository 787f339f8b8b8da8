/**
 * Asks Windows, or Wine in its place, about a catalog. Prints one line for each answer, and ends
 * with 0 if it could ask.
 *
 *   judge message CATALOG          verifies the signature of the message with the signer's
 * certificate in it judge list CATALOG             prints the tag of each entry, in hexadecimal
 *   judge chain CATALOG [SECONDS]  builds the signer's chain, and judges it now or at a Unix time
 *   judge trust FILE               prints the result of WinVerifyTrust for a signed file
 *   judge hash FILE...             prints the SHA-256 by which a catalog would list each file
 *   judge root add|remove FILE     changes the root certificates of the current user; the file is
 * DER
 */

// The headers of MinGW declare what Windows 8 added only for Windows 8 and later.
#define _WIN32_WINNT 0x0602

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <windows.h>

#include <wincrypt.h>

#include <mscat.h>
#include <softpub.h>
#include <wintrust.h>

#define ENCODING (X509_ASN_ENCODING | PKCS_7_ASN_ENCODING)
#define MOST_BYTES (64 << 20)

struct bytes {
	BYTE *data;
	DWORD size;
};

/** A decoded message, the certificates in it, and the certificate of its signer. */
struct message {
	HCRYPTMSG handle;
	HCERTSTORE certificates;
	PCCERT_CONTEXT signer;
};

static void fail(const char *what)
{
	fprintf(stderr, "Cannot %s: error %08lx\n", what, GetLastError());
	exit(2);
}

static struct bytes read_file(const wchar_t *path)
{
	FILE *file = _wfopen(path, L"rb");
	struct bytes content = {malloc(MOST_BYTES), 0};
	if (file == NULL || content.data == NULL)
		fail("read the file");
	content.size = (DWORD)fread(content.data, 1, MOST_BYTES, file);
	fclose(file);
	return content;
}

static void print_hex(const char *name, const BYTE *data, DWORD size)
{
	printf("%s ", name);
	for (DWORD i = 0; i < size; i++)
		printf("%02x", data[i]);
	printf("\n");
}

/** Returns a parameter of the message, such as CMSG_SIGNER_CERT_INFO_PARAM, and its size. */
static void *parameter_of(HCRYPTMSG handle, DWORD type, DWORD *size_bytes)
{
	DWORD size = 0;
	if (!CryptMsgGetParam(handle, type, 0, NULL, &size))
		fail("read the message");
	void *value = malloc(size);
	if (value == NULL || !CryptMsgGetParam(handle, type, 0, value, &size))
		fail("read the message");
	if (size_bytes != NULL)
		*size_bytes = size;
	return value;
}

static struct message open_message(const wchar_t *path)
{
	struct bytes content = read_file(path);
	struct message message = {CryptMsgOpenToDecode(ENCODING, 0, 0, 0, NULL, NULL), NULL, NULL};
	if (message.handle == NULL)
		fail("open a message");
	if (!CryptMsgUpdate(message.handle, content.data, content.size, TRUE)) {
		printf("message unreadable\n");
		exit(0);
	}
	message.certificates = CertOpenStore(CERT_STORE_PROV_MSG, ENCODING, 0, 0, message.handle);
	if (message.certificates == NULL)
		fail("open the certificates of the message");
	CERT_INFO *issued = parameter_of(message.handle, CMSG_SIGNER_CERT_INFO_PARAM, NULL);
	message.signer = CertGetSubjectCertificateFromStore(message.certificates, ENCODING, issued);
	if (message.signer == NULL)
		fail("find the certificate of the signer");
	return message;
}

/**
 * Compares the digest of the content with the signed one. Windows does so when it verifies the
 * signature. Wine 10 verifies the signature over the signed attributes alone.
 */
static BOOL has_signed_digest(HCRYPTMSG message)
{
	DWORD size = 0;
	BYTE *content = parameter_of(message, CMSG_CONTENT_PARAM, &size);
	// The signed octets are those of the value, without its tag and length (RFC 5652, section 5.4).
	DWORD header = content[1] < 0x80 ? 2 : 2 + (content[1] & 0x7f);
	CMSG_SIGNER_INFO *signer = parameter_of(message, CMSG_SIGNER_INFO_PARAM, NULL);
	BYTE digest[64];
	DWORD digest_size = sizeof digest;
	if (!CryptHashCertificate(0, CertOIDToAlgId(signer->HashAlgorithm.pszObjId), 0,
			content + header, size - header, digest, &digest_size))
		fail("hash the content");
	for (DWORD i = 0; i < signer->AuthAttrs.cAttr; i++) {
		CRYPT_ATTRIBUTE attribute = signer->AuthAttrs.rgAttr[i];
		if (strcmp(attribute.pszObjId, szOID_RSA_messageDigest) != 0)
			continue;
		// The value is an OCTET STRING: two bytes of tag and length, then the digest.
		CRYPT_DER_BLOB value = attribute.rgValue[0];
		return value.cbData == digest_size + 2 &&
			memcmp(value.pbData + 2, digest, digest_size) == 0;
	}
	return FALSE;
}

static void judge_message(const wchar_t *path)
{
	struct message message = open_message(path);
	printf(
		"content %s\n", (char *)parameter_of(message.handle, CMSG_INNER_CONTENT_TYPE_PARAM, NULL));
	BOOL is_verified =
		CryptMsgControl(message.handle, 0, CMSG_CTRL_VERIFY_SIGNATURE, message.signer->pCertInfo);
	printf("signature %s\n", is_verified ? "verified" : "wrong");
	printf("digest %s\n", has_signed_digest(message.handle) ? "verified" : "wrong");
}

static void judge_list(const wchar_t *path)
{
	struct bytes content = read_file(path);
	PCCTL_CONTEXT list = CertCreateCTLContext(ENCODING, content.data, content.size);
	if (list == NULL)
		fail("read the list");
	printf("algorithm %s\n", list->pCtlInfo->SubjectAlgorithm.pszObjId);
	for (DWORD i = 0; i < list->pCtlInfo->cCTLEntry; i++) {
		CRYPT_DATA_BLOB tag = list->pCtlInfo->rgCTLEntry[i].SubjectIdentifier;
		print_hex("entry", tag.pbData, tag.cbData);
	}
}

/** Windows counts time in units of 100 nanoseconds since 1601. */
static FILETIME file_time(long long seconds)
{
	ULARGE_INTEGER value = {.QuadPart = (uint64_t)(seconds + 11644473600LL) * 10000000};
	return (FILETIME){value.LowPart, value.HighPart};
}

static void judge_chain(const wchar_t *path, const wchar_t *seconds)
{
	struct message message = open_message(path);
	FILETIME time = file_time(seconds == NULL ? 0 : wcstoll(seconds, NULL, 10));
	LPSTR usage[] = {(LPSTR)szOID_PKIX_KP_CODE_SIGNING};
	CERT_CHAIN_PARA demands = {.cbSize = sizeof demands};
	demands.RequestedUsage.dwType = USAGE_MATCH_TYPE_AND;
	demands.RequestedUsage.Usage.cUsageIdentifier = 1;
	demands.RequestedUsage.Usage.rgpszUsageIdentifier = usage;
	PCCERT_CHAIN_CONTEXT chain = NULL;
	if (!CertGetCertificateChain(NULL, message.signer, seconds == NULL ? NULL : &time,
			message.certificates, &demands, 0, NULL, &chain))
		fail("build a chain");
	printf("certificates %lu\n", chain->rgpChain[0]->cElement);
	printf("status %08lx\n", chain->TrustStatus.dwErrorStatus);
	CERT_CHAIN_POLICY_PARA options = {.cbSize = sizeof options};
	CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status};
	if (!CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_AUTHENTICODE, chain, &options, &status))
		fail("judge the chain");
	printf("policy %08lx\n", status.dwError);
}

static void judge_trust(wchar_t *path)
{
	GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
	WINTRUST_FILE_INFO file = {.cbStruct = sizeof file, .pcwszFilePath = path};
	WINTRUST_DATA data = {
		.cbStruct = sizeof data,
		.dwUIChoice = WTD_UI_NONE,
		.fdwRevocationChecks = WTD_REVOKE_NONE,
		.dwUnionChoice = WTD_CHOICE_FILE,
		.pFile = &file,
		.dwStateAction = WTD_STATEACTION_IGNORE,
	};
	printf("trust %08lx\n", (unsigned long)WinVerifyTrust(INVALID_HANDLE_VALUE, &action, &data));
}

typedef BOOL(WINAPI *acquire_context)(
	HCATADMIN *, const GUID *, PCWSTR, PCCERT_STRONG_SIGN_PARA, DWORD);
typedef BOOL(WINAPI *calculate_hash)(HCATADMIN, HANDLE, DWORD *, BYTE *, DWORD);

/** Finds a function that wintrust.dll has, but MinGW's library of it does not. */
static FARPROC function_of_wintrust(const char *name)
{
	FARPROC function = GetProcAddress(GetModuleHandleW(L"wintrust.dll"), name);
	if (function == NULL)
		fail(name);
	return function;
}

static void judge_hash(const wchar_t *path)
{
	acquire_context acquire =
		(acquire_context)(void *)function_of_wintrust("CryptCATAdminAcquireContext2");
	calculate_hash calculate =
		(calculate_hash)(void *)function_of_wintrust("CryptCATAdminCalcHashFromFileHandle2");
	HCATADMIN context = NULL;
	if (!acquire(&context, NULL, L"SHA256", NULL, 0))
		fail("acquire a context");
	HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
	if (file == INVALID_HANDLE_VALUE)
		fail("open the file");
	BYTE digest[64];
	DWORD size = sizeof digest;
	if (!calculate(context, file, &size, digest, 0))
		fail("hash the file");
	print_hex("hash", digest, size);
	CloseHandle(file);
	CryptCATAdminReleaseContext(context, 0);
}

static void add_root(const wchar_t *path)
{
	struct bytes content = read_file(path);
	HCERTSTORE roots =
		CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, L"Root");
	if (roots == NULL)
		fail("open the roots");
	if (!CertAddEncodedCertificateToStore(
			roots, ENCODING, content.data, content.size, CERT_STORE_ADD_ALWAYS, NULL))
		fail("add the root");
	CertCloseStore(roots, 0);
	printf("root added\n");
}

int wmain(int count, wchar_t **arguments)
{
	const wchar_t *what = count > 2 ? arguments[1] : L"";
	if (wcscmp(what, L"message") == 0) {
		judge_message(arguments[2]);
	} else if (wcscmp(what, L"list") == 0) {
		judge_list(arguments[2]);
	} else if (wcscmp(what, L"chain") == 0) {
		judge_chain(arguments[2], count > 3 ? arguments[3] : NULL);
	} else if (wcscmp(what, L"trust") == 0) {
		judge_trust(arguments[2]);
	} else if (wcscmp(what, L"hash") == 0) {
		for (int i = 2; i < count; i++)
			judge_hash(arguments[i]);
	} else if (wcscmp(what, L"root") == 0) {
		add_root(arguments[2]);
	} else {
		fprintf(stderr, "Usage: judge message|list|chain|trust|hash|root FILE\n");
		return 2;
	}
	return 0;
}
