/* Declares the part of OpenSSL 3's EVP interface that this module uses. Node.js exports these
 * functions to the modules that it loads. A function that returns int returns 1, or 0 if it fails.
 * A function that returns a pointer returns NULL if it fails. */

#ifndef OPENSSL_DIGEST_SUBSET_H
#define OPENSSL_DIGEST_SUBSET_H

#include <stddef.h>

typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;

EVP_MD *EVP_MD_fetch(void *library, const char *algorithm, const char *properties);
void EVP_MD_free(EVP_MD *);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *);
int EVP_DigestInit_ex(EVP_MD_CTX *, const EVP_MD *, void *engine);
int EVP_DigestUpdate(EVP_MD_CTX *, const void *content, size_t bytes);
int EVP_DigestFinal_ex(EVP_MD_CTX *, unsigned char *digest, unsigned int *bytes);

#endif
