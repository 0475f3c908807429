/* What is passed on, as a machine of three states, and the relay that it belongs to. */
#ifndef RELAY_ITEM_H
#define RELAY_ITEM_H

#include <sys/queue.h>

#include "relay/attempt.h"
#include "relay/proof.h"
#include "relay/relay.h"

#define NAME_SIZE    64
#define ADDRESS_SIZE (RELAY_ADDRESS_MAX + 1)

enum relay_state {
	RELAY_HELD,    /* it waits for an active one */
	RELAY_LEAVING, /* it has been given to libcurl, and nothing of it is on the wire */
	RELAY_SENT,    /* all or some of it is */
	RELAY_STATES
};

TAILQ_HEAD(item_list, relay_item);

struct relay_item {
	struct attempt attempt; /* the first member */
	struct relay *relay;
	struct relay_request request;
	enum relay_state state;
	TAILQ_ENTRY(relay_item) link; /* of held, or of under_way */
	struct timer timer;           /* runs while its time does */
	int64_t left;                 /* ms of its time; while that runs, as of `since` */
	int64_t since;
	unsigned generation; /* of the active one that it was sent to last */
	int64_t answer_by;   /* by when that one has to answer, however often it is asked */
	bool was_sent;
	char to[NAME_SIZE]; /* "": to nobody */
	struct error error; /* of the last attempt */
	relay_done *on_done;
	void *arg;
};

struct relay {
	struct relay_options options;
	struct relay_trust *trust;
	struct multi *multi;
	struct handles handles;
	struct item_list held, under_way;
	size_t count; /* of both */
	bool is_self; /* this broker is the active one */
	char name[NAME_SIZE], address[ADDRESS_SIZE];
	uint64_t epoch;
	struct proof proof;  /* runs: the active one is asked to show that it is who it is */
	bool is_proven;      /* it has; nothing is sent to it before */
	unsigned generation; /* one more with each other active one */
	struct timer pause;  /* runs: the active one did not answer */
	size_t burst;        /* how many are sent when it ends */
	struct timer grace;  /* runs: some are under way to a former one */
};

/* One that is held; its time runs. NULL: memory is out. */
struct relay_item *item_new(struct relay *relay, const struct relay_request *request, relay_done *on_done, void *arg);
/* Stops its attempt, if there is one, in silence; frees it. */
void item_drop(struct relay_item *item);
/* Moves it to the end of its state's list. Its time runs while nobody has it, and where it is brief. */
void item_move(struct relay_item *item, enum relay_state state);
/* Its attempt came to nothing: it is held. */
void item_hold(struct relay_item *item);
/* The active one cannot be sent anything, for that reason: all that are held stay held. */
void items_note_failure(struct relay *relay, const struct error *error);
/* Whoever it was sent to has refused it, and has not begun. */
void item_refused(struct relay_item *item);
/* It is to be done once, and somebody may have begun with it. */
bool item_is_doubtful(const struct relay_item *item);
/* Tells its end, and frees it; an attempt that there is is stopped in silence before. answer: RELAY_ANSWERED. */
void item_end(struct relay_item *item, enum relay_outcome outcome, const struct http_passed *answer);

#endif
