/* By what other brokers are known over https, and what is shown to them. */
#ifndef RELAY_TRUST_H
#define RELAY_TRUST_H

#include "base/error.h"
#include "base/text.h"

/* PEM files. */
struct relay_files {
	const char *authorities; /* that https of another broker is verified by; NULL: the system's */
	const char *cert, *key;  /* to show to it; NULL: nothing is shown */
};

/* What was in them; empty: none. */
struct relay_trust {
	struct text authorities, cert, key;
};

/* ERR_INVALID for one that cannot be read, or holds no such thing. */
int relay_read_trust(const struct relay_files *files, struct relay_trust **ret_trust, struct error *error);
/* Accepts NULL. */
void relay_trust_free(struct relay_trust *trust);

#endif
