/* The store's records as the program uses them: typed reads into an arena, and typed changes with a sticky error. */
#ifndef RECORDS_RECORDS_H
#define RECORDS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "base/timer.h"
#include "model/model.h"
#include "records/held.h"
#include "store/store.h"

struct records;

/* Both are borrowed. */
int records_open(struct store *store, struct timers *timers, struct records **ret_records, struct error *error);
/* Accepts NULL. */
void records_close(struct records *records);

/* A fresh id for an operation or an entry of the audit: they sort by time, also when the clock goes back. ret_id holds
 * OPERATION_ID_LENGTH + 1. */
void records_next_id(struct records *records, char *ret_id);
/* From now on they stand behind one of that time. */
void records_go_behind(struct records *records, int64_t wall);
/* From now on they stand behind all entries of the audit, whoever wrote them: to be called before the first is made. */
int records_go_behind_all(struct records *records, struct error *error);

/* ---- reading ---- */

/* Each copies the record into arena. ERR_NOT_FOUND has no text; any other failure has one. */
int records_read_instance(struct records *records, struct arena *arena, const char *incarnation,
                          struct held_instance *ret_instance, struct error *error);
/* By name; ret_name_revision is that of the name's entry. */
int records_find_instance(struct records *records, struct arena *arena, const char *service, const char *name,
                          struct held_instance *ret_instance, uint64_t *ret_name_revision, struct error *error);
/* Of BINDS, or of what an unbind left behind in UNBOUND. */
int records_read_bind(struct records *records, struct arena *arena, enum keyspace keyspace, const char *incarnation,
                      enum bind_kind kind, const char *name, struct held_bind *ret_bind, struct error *error);
int records_read_operation(struct records *records, struct arena *arena, const char *incarnation, const char *id,
                           struct held_operation *ret_operation, struct error *error);
/* The newest operation of the instance that was accepted for the forwarded request of that id. */
int records_find_repeat(struct records *records, struct arena *arena, const char *incarnation, const char *repeat,
                        struct held_operation *ret_operation, struct error *error);
/* What is known of the last instance of that name that was removed. */
int records_read_tombstone(struct records *records, struct arena *arena, const char *service, const char *name,
                           struct held_tombstone *ret_tombstone, struct error *error);
/* Whether the name is that of an instance known to be removed. */
bool records_is_removed(struct records *records, const char *service, const char *name);
/* All binds of an incarnation, in an array of the arena. */
int records_read_binds(struct records *records, struct arena *arena, const char *incarnation,
                       struct held_bind **ret_binds, size_t *ret_count, struct error *error);
/* The same of those that an unbind left behind. */
int records_read_unbound(struct records *records, struct arena *arena, const char *incarnation,
                         struct held_bind **ret_binds, size_t *ret_count, struct error *error);
/* All operations of an incarnation, oldest first. */
int records_read_operations(struct records *records, struct arena *arena, const char *incarnation,
                            struct held_operation **ret_operations, size_t *ret_count, struct error *error);

/* ---- changing ---- */

/* A batch that is being built. The first failure sticks, later calls do nothing, and commit reports it. */
struct changes {
	struct records *records;
	struct batch *batch;
	struct error error;
};

void changes_begin(struct changes *changes, struct records *records);
/* They remove something, or keep a promise: they may use the store's reserve. */
void changes_use_reserve(struct changes *changes);
void changes_drop(struct changes *changes);
/* Hands the batch over: 0, and on_done will fire. Otherwise nothing was written and it will not. */
int changes_commit(struct changes *changes, batch_done *on_done, void *arg, struct error *error);
/* The same, and waits for the outcome. */
int changes_commit_now(struct changes *changes, struct error *error);

/* Puts the instance where the keyspace has it: NAMES (that the name is its), INSTANCES (its record), RETAINED (that its
 * retention ends at retained_until), META (that logins of it may live on that should not, see lingering.h). */
void changes_put_instance(struct changes *changes, enum keyspace keyspace, const struct instance *instance,
                          uint64_t base);
void changes_delete_instance(struct changes *changes, enum keyspace keyspace, const struct instance *instance,
                             uint64_t base);
/* Its record must not have changed. */
void changes_check_instance(struct changes *changes, const struct held_instance *held);
void changes_put_tombstone(struct changes *changes, const struct instance *instance, int64_t wall);
/* BINDS, or UNBOUND. */
void changes_put_bind(struct changes *changes, enum keyspace keyspace, const struct bind *bind, uint64_t base);
void changes_delete_bind(struct changes *changes, enum keyspace keyspace, const struct bind *bind, uint64_t base);
/* Also keeps the list of pending operations: an unfinished one is in it, a finished one is not. */
void changes_put_operation(struct changes *changes, const struct operation *operation, uint64_t base);
void changes_delete_operation(struct changes *changes, const struct operation *operation);

/* An entry of the audit, under a fresh id, and one more in its counter. */
void changes_put_audit(struct changes *changes, const struct audit *audit);
#define AUDIT_COUNTER "audit"
/* The same for an operation's end; outcome NULL: its state's name. error, the operation's, is the text. */
void changes_put_ending(struct changes *changes, const struct operation *operation, const struct instance *instance,
                        const char *outcome, int64_t wall);

/* ---- counters of instances ---- */

enum counter {
	COUNTER_SERVER,    /* on a server, retained ones included */
	COUNTER_TEAM,      /* of a service that tsuru sees as a team's */
	COUNTER_PLAN,      /* of a plan */
	COUNTER_PLAN_TEAM, /* of both */
	COUNTER_COUNT
};

/* Into ret_name, which is initialized; empty where the instance has no such thing. */
void records_counter_name(struct text *ret_name, enum counter counter, const struct instance *instance);
/* Adds to COUNTER_SERVER. */
void changes_count_placed(struct changes *changes, const struct instance *instance, int64_t delta);
/* Adds to the others, by the wanted plan. */
void changes_count_owned(struct changes *changes, const struct instance *instance, int64_t delta);

#endif
