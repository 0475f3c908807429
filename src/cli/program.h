/* The broker as a process: all its parts, in the order in which they are built. Neighbours: serve.c, which builds, runs
 * and takes them down, and reload.c. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "admin/admin.h"
#include "api/api.h"
#include "cli/pulse.h"
#include "cli/replicas.h"
#include "cli/shared.h"
#include "cli/trim.h"
#include "relay/relay.h"
#include "store/store.h"

#define PROGRAM_SIGNALS 3

struct event;
struct logins;
struct resolver;

/* See vitals.h. */
struct vitals {
	struct metric *stall, *stalls, *good, *processor, *memory, *files, *files_max;
};

struct program {
	const char *config_file;
	struct config *config;
	struct log log;
	struct log_gather log_gather;
	struct event *log_due; /* lines wait: the turn of the loop ends with their write */
	struct metrics *metrics;
	struct http_measures http_measures;
	struct relay_measures relay_measures;
	struct vitals vitals;
	struct event_base *base;
	struct event *on_signals[PROGRAM_SIGNALS];
	struct timers *timers;
	struct pulse pulse;
	struct trim trim;
	struct resolver *resolver;
	struct logins *logins;
	struct config *sharing;     /* held: what `shared` borrows from. NULL: the store is not shared */
	struct store_shared shared; /* url NULL: likewise */
	struct shared_names names;
	struct event *standing_due; /* active: how the broker stands among those that share has changed */
	struct event *lease_due;    /* when the lease is over, unless it was renewed */
	enum store_role role;       /* as of the last time */
	uint64_t losses;            /* likewise */
	bool outdated;              /* likewise */
	bool has_key;               /* the store has been seen to be of the keyring's key */
	struct replicas_told told;  /* of the others that share the store */
	bool has_failed;            /* what keeps it from going on is in the log */
	struct store *store;
	struct keyring *keyring;
	bool is_short_of_files; /* the limits of connections had to be lowered */
	bool key_is_fixed;      /* it came by the environment, and cannot be read again */
	struct driver_context context;
	struct broker *broker;
	struct api *api;
	struct admin_server *admin; /* NULL: none is configured */

	int64_t started;  /* wall ms */
	int64_t began;    /* the same moment, monotonic ms */
	bool file_is_bad; /* the configuration's file, as it was read last, is not in force */
	struct error file_error;
	int stops;             /* signals to stop, so far */
	struct timer patience; /* runs while waiting requests may finish */
	bool impatient;        /* it is over */
	bool computing;        /* a library, on a thread that will not end */
};

/* Reads the configuration's file again and puts it in force; one that needs a restart is refused. On failure nothing
 * has changed, and error has the first reason; all are in the log. */
int program_reload(struct program *program, struct error *error);
/* For api_options.on_certificate; arg is the program: operators' calls are passed on with the new one, too. */
void program_renew_trust(void *arg);

#endif
