/* Why a request is turned away before any handler: an HTTP status and one sentence, both static. */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

struct refusal {
	int status;          /* 0: none; 204: a ping, which is answered */
	const char *message; /* static; NULL with 204 */
};

/* Fills refusal; returns -1, so that a check reads `return refuse(refusal, 400, "...")`. */
static inline int refuse(struct refusal *ret_refusal, int status, const char *message)
{
	*ret_refusal = (struct refusal){status, message};
	return -1;
}

#endif
