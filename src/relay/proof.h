/* What listens at another broker's address shows that it is that broker: by a signature, with what only brokers have,
 * over what it was asked, its name and its address. Somebody may have the address by now who had it not when that was
 * signed. */
#ifndef RELAY_PROOF_H
#define RELAY_PROOF_H

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "driver/multi.h"
#include "relay/attempt.h"
#include "relay/proving.h"

/* One question, as an easy handle of libcurl's; relay.c runs it. */
struct proof {
	struct multi_run run; /* the first member */
	bool is_run;
	struct curl_slist *headers;
	char id[2 * PROOF_ID_BYTES + 1]; /* that nobody could foresee */
	char macs[KEYRING_MACS_SIZE];    /* what was answered; "": nothing of that kind */
	char reason[CURL_ERROR_SIZE];
};

/* Who asks, and who is asked. */
struct proof_asked {
	const struct keyring *keyring;
	enum relay_listener listener;
	const char *by, *name, *address;
};

/* Sets up run.easy, for PROOF_TIME at most. ERR_NO_MEMORY. */
int proof_begin(struct proof *proof, const struct handles *handles, const struct proof_asked *asked);
/* Whether it is that broker; otherwise error says why not. */
bool proof_judge(const struct proof *proof, const struct handles *handles, const struct proof_asked *asked,
                 CURLcode result, struct error *error);
/* It is not run any more; it may begin again. Harmless when it has not begun. */
void proof_end(struct proof *proof, const struct handles *handles);

#define PROOF_TIME 5000 /* ms */

#endif
