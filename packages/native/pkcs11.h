/*
 * Declares the part of PKCS#11 that this module uses: OASIS PKCS #11 Cryptographic Token Interface
 * Base Specification, version 2.40, and the header files that belong to it. Version 3 has the same
 * declarations.
 */

#ifndef PKCS11_SUBSET_H
#define PKCS11_SUBSET_H

#include <stddef.h>
#include <stdint.h>

/* On Windows structures have no padding, and a long has 32 bits. §2. */
#ifdef _WIN32
#pragma pack(push, 1)
#endif

typedef unsigned char CK_BYTE;
typedef unsigned char CK_BBOOL;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_FLAGS;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_ULONG CK_OBJECT_HANDLE;

#define CKR_OK 0UL
#define CKR_ARGUMENTS_BAD 0x7UL
#define CKR_FUNCTION_NOT_SUPPORTED 0x54UL
#define CKR_PIN_LEN_RANGE 0xa2UL
#define CKR_VENDOR_DEFINED 0x80000000UL
#define CK_UNAVAILABLE_INFORMATION (~0UL)

typedef struct {
	CK_BYTE major;
	CK_BYTE minor;
} CK_VERSION;

/* The texts are padded with spaces, and end without a NUL. */
typedef struct {
	CK_BYTE label[32];
	CK_BYTE manufacturerID[32];
	CK_BYTE model[16];
	CK_BYTE serialNumber[16];
	CK_FLAGS flags;
	CK_ULONG ulMaxSessionCount;
	CK_ULONG ulSessionCount;
	CK_ULONG ulMaxRwSessionCount;
	CK_ULONG ulRwSessionCount;
	CK_ULONG ulMaxPinLen;
	CK_ULONG ulMinPinLen;
	CK_ULONG ulTotalPublicMemory;
	CK_ULONG ulFreePublicMemory;
	CK_ULONG ulTotalPrivateMemory;
	CK_ULONG ulFreePrivateMemory;
	CK_VERSION hardwareVersion;
	CK_VERSION firmwareVersion;
	CK_BYTE utcTime[16];
} CK_TOKEN_INFO;

typedef struct {
	CK_ULONG type;
	void *pValue;
	CK_ULONG ulValueLen;
} CK_ATTRIBUTE;

typedef struct {
	CK_ULONG mechanism;
	void *pParameter;
	CK_ULONG ulParameterLen;
} CK_MECHANISM;

/* A function that this module does not call. */
typedef void (*CK_UNUSED)(void);

/* CK_FUNCTION_LIST up to the last function that this module calls. Every list of version 2 or 3
 * begins like this. A module owns its list. */
typedef struct {
	CK_VERSION version;
	CK_RV (*C_Initialize)(void *arguments);
	CK_RV (*C_Finalize)(void *reserved);
	CK_UNUSED C_GetInfo;
	CK_UNUSED C_GetFunctionList;
	CK_RV (*C_GetSlotList)(CK_BBOOL token_present, CK_SLOT_ID *slots, CK_ULONG *count);
	CK_UNUSED C_GetSlotInfo;
	CK_RV (*C_GetTokenInfo)(CK_SLOT_ID, CK_TOKEN_INFO *info);
	CK_UNUSED C_GetMechanismList;
	CK_UNUSED C_GetMechanismInfo;
	CK_UNUSED C_InitToken;
	CK_UNUSED C_InitPIN;
	CK_UNUSED C_SetPIN;
	CK_RV(*C_OpenSession)
	(CK_SLOT_ID, CK_FLAGS, void *application, CK_UNUSED notify, CK_SESSION_HANDLE *session);
	CK_RV (*C_CloseSession)(CK_SESSION_HANDLE);
	CK_UNUSED C_CloseAllSessions;
	CK_UNUSED C_GetSessionInfo;
	CK_UNUSED C_GetOperationState;
	CK_UNUSED C_SetOperationState;
	CK_RV (*C_Login)(CK_SESSION_HANDLE, CK_ULONG user_type, CK_BYTE *pin, CK_ULONG pin_bytes);
	CK_UNUSED C_Logout;
	CK_UNUSED C_CreateObject;
	CK_UNUSED C_CopyObject;
	CK_UNUSED C_DestroyObject;
	CK_UNUSED C_GetObjectSize;
	CK_RV(*C_GetAttributeValue)
	(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *template, CK_ULONG count);
	CK_UNUSED C_SetAttributeValue;
	CK_RV (*C_FindObjectsInit)(CK_SESSION_HANDLE, CK_ATTRIBUTE *template, CK_ULONG count);
	CK_RV(*C_FindObjects)
	(CK_SESSION_HANDLE, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *count);
	CK_RV (*C_FindObjectsFinal)(CK_SESSION_HANDLE);
	CK_UNUSED C_EncryptInit;
	CK_UNUSED C_Encrypt;
	CK_UNUSED C_EncryptUpdate;
	CK_UNUSED C_EncryptFinal;
	CK_UNUSED C_DecryptInit;
	CK_UNUSED C_Decrypt;
	CK_UNUSED C_DecryptUpdate;
	CK_UNUSED C_DecryptFinal;
	CK_UNUSED C_DigestInit;
	CK_UNUSED C_Digest;
	CK_UNUSED C_DigestUpdate;
	CK_UNUSED C_DigestKey;
	CK_UNUSED C_DigestFinal;
	CK_RV (*C_SignInit)(CK_SESSION_HANDLE, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
	CK_RV(*C_Sign)
	(CK_SESSION_HANDLE, CK_BYTE *data, CK_ULONG data_bytes, CK_BYTE *signature,
		CK_ULONG *signature_bytes);
} CK_FUNCTION_LIST;

/* The only function that a module exports. */
typedef CK_RV (*CK_C_GetFunctionList)(CK_FUNCTION_LIST **list);

#ifdef _WIN32
#pragma pack(pop)
#endif

#endif
