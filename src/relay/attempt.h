/* One attempt to have a request answered by another broker, as an easy handle of libcurl's; relay.c runs it. */
#ifndef RELAY_ATTEMPT_H
#define RELAY_ATTEMPT_H

#include "base/text.h"
#include "driver/multi.h"
#include "relay/request.h"
#include "relay/trust.h"

/* What all have in common. */
struct handles {
	const struct libcurl *curl;
	const struct relay_trust *trust; /* what it holds is copied for each attempt */
};

/* An easy handle that keeps to the rules of all; NULL: memory is out. */
CURL *handles_make(const struct handles *handles);

struct attempt {
	struct multi_run run; /* the first member */
	bool is_run;
	struct handles *handles;
	struct curl_slist *headers;
	struct text head, body; /* of the answer */
	size_t head_bytes;      /* of all heads, also of interim answers and behind the body */
	bool has_head;          /* up to the empty line */
	char reason[CURL_ERROR_SIZE];
	void (*on_sent)(struct attempt *attempt); /* it has a connection, and is sent in this moment */
};

struct attempt_target {
	const char *address;
	int64_t timeout;     /* ms */
	const char *voucher; /* the header's value */
	bool is_once;        /* it is not sent again, also not by libcurl, where a kept connection was closed */
};

enum attempt_result {
	ATTEMPT_ANSWERED,
	ATTEMPT_FAILED,  /* there is no answer */
	ATTEMPT_USELESS, /* there is one, which cannot be used */
};

void attempt_init(struct attempt *attempt, struct handles *handles);
/* Sets up run.easy. What http and target hold is borrowed until attempt_end. ERR_NO_MEMORY. */
int attempt_begin(struct attempt *attempt, const struct http_request *http, const struct attempt_target *target);
/* How it ended: error says why there is no good answer. */
enum attempt_result attempt_judge(const struct attempt *attempt, CURLcode result, struct error *error);
/* The answer, in arena; false: memory is out. *ret_stands_by: it is that of a broker that stands by. */
bool attempt_answer(struct attempt *attempt, struct arena *arena, struct http_passed *ret_answer, bool *ret_stands_by);
/* It is not run any more; it may begin again. Harmless when it has not begun. */
void attempt_end(struct attempt *attempt);

#endif
