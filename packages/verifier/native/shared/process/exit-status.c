/* Guarantees that a refusal which was judged never gets the status of a fault that may pass.
 * isPassing() in packages/core/src/errors.ts has the same list. */
#include "exit-status.h"
#include <errno.h>

bool is_answer(int error)
{
	/* The kernel answers ENXIO for a socket that is opened as a file. */
	return error == ENOENT || error == ENOTDIR || error == ENXIO || status_of(error) == REFUSED;
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
