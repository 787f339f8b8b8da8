/* The time at which a timestamp proves that a trust index was signed. */
#ifndef SPYTHON_TIMESTAMP_H
#define SPYTHON_TIMESTAMP_H
#include <openssl/cms.h>
#include <time.h>

/* Returns the earliest time, in seconds since 1970, that a timestamp on the signature of an index
 * proves, or -1 if none proves any. `certificate` is the signer's. Ends the process if an authority
 * of the host configuration cannot be used. */
time_t proven_time(CMS_SignerInfo *signer, X509 *certificate);

#endif
