/* Decides about a signer whose key is not pinned, by the authorities of the host configuration. */
#ifndef SIGTOOL_AUTHORITY_H
#define SIGTOOL_AUTHORITY_H
#include <openssl/cms.h>
#include <stdbool.h>
#include <time.h>

/* Reads the certificates of `authorities` in the host configuration. Ends the process if one cannot
 * be used. */
void read_authorities(void);

/* Returns true if an authority may vouch for a signer with this subject. The signer is not proven
 * to come from that authority. */
bool has_authority_for(X509 *signer);

/* Requires a chain of certificates from the signer to an authority that may vouch for exactly this
 * subject, and that no certificate of the chain is on the deny list. `cms` contains intermediates,
 * and `at` is the time for which every certificate is judged. `is_now` is true if that is the
 * present time. The signer's own certificate must have been checked before. Ends the process if
 * there is no such chain. */
void require_chain(CMS_ContentInfo *cms, X509 *signer, time_t at, bool is_now);

#endif
