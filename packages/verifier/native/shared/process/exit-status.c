/* Guarantees that a refusal which was judged never gets the status of a fault that may pass.
 * isPassing() in packages/core/src/errors.ts has the same list. */
#include "exit-status.h"
#include <errno.h>

bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

int status_of(int error)
{
	switch (error) {
	case EAGAIN:
	case EBUSY:
	case EDQUOT:
	case EFBIG:
	case EINTR:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOENT:
	case ENOLCK:
	case ENOMEM:
	case ENOSPC:
	case ENOTDIR:
	case ENOTCONN:
	case ENXIO:
	case ESTALE:
	case ETIMEDOUT:
	case ETXTBSY:
		return UNDECIDED;
	default:
		return REFUSED;
	}
}
