/* Finds the time at which a timestamp proves that a trust index was signed. */
#ifndef SIGTOOL_TIMESTAMP_H
#define SIGTOOL_TIMESTAMP_H
#include <openssl/cms.h>
#include <time.h>

/* Returns the earliest time, in seconds since 1970, at which a timestamp proves that the signature
 * of an index existed. Returns -1 if no timestamp proves any time. `signer` is the signer of the
 * index, and `certificate` is that signer's certificate. Ends the process if the certificate file
 * of a timestamp authority in the host configuration cannot be used. */
time_t proven_time(CMS_SignerInfo *signer, X509 *certificate);

#endif
