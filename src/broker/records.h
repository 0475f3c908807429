/* The store's records as the broker uses them: typed reads into an arena, and typed changes with a sticky error. */
#ifndef BROKER_RECORDS_H
#define BROKER_RECORDS_H

#include "broker/internal.h"

struct held_instance {
	struct instance record;
	uint64_t revision;
};

struct held_bind {
	struct bind record;
	uint64_t revision;
};

struct held_operation {
	struct operation record;
	uint64_t revision;
};

/* Each copies the record into arena. ERR_NOT_FOUND has no text; any other failure has one. */
int records_read_instance(struct broker *broker, struct arena *arena, const char *incarnation,
                          struct held_instance *ret_instance, struct error *error);
/* By name; ret_name_revision is that of the name's entry. */
int records_find_instance(struct broker *broker, struct arena *arena, const char *service, const char *name,
                          struct held_instance *ret_instance, uint64_t *ret_name_revision, struct error *error);
int records_read_bind(struct broker *broker, struct arena *arena, const char *incarnation, enum bind_kind kind,
                      const char *name, struct held_bind *ret_bind, struct error *error);
/* What an unbind left behind. */
int records_read_unbound(struct broker *broker, struct arena *arena, const char *incarnation, enum bind_kind kind,
                         const char *name, struct held_bind *ret_bind, struct error *error);
int records_read_operation(struct broker *broker, struct arena *arena, const char *incarnation, const char *id,
                           struct held_operation *ret_operation, struct error *error);
/* Whether the name is that of an instance known to be removed. */
bool records_is_removed(struct broker *broker, const char *service, const char *name);
/* All binds of an incarnation, in an array of the arena. */
int records_read_binds(struct broker *broker, struct arena *arena, const char *incarnation,
                       struct held_bind **ret_binds, size_t *ret_count, struct error *error);
/* All operations of an incarnation, oldest first. */
int records_read_operations(struct broker *broker, struct arena *arena, const char *incarnation,
                            struct held_operation **ret_operations, size_t *ret_count, struct error *error);

/* A batch that is being built. The first failure sticks, later calls do nothing, and commit reports it. */
struct changes {
	struct batch *batch;
	struct error error;
};

void changes_begin(struct changes *changes, struct broker *broker);
/* They remove something, or keep a promise: they may use the store's reserve. */
void changes_use_reserve(struct changes *changes);
void changes_drop(struct changes *changes);
/* Hands the batch over: 0, and on_done will fire. Otherwise nothing was written and it will not. */
int changes_commit(struct changes *changes, batch_done *on_done, void *arg, struct error *error);
/* The same, and waits for the outcome. */
int changes_commit_now(struct changes *changes, struct error *error);

void changes_put_name(struct changes *changes, const struct instance *instance, uint64_t base);
void changes_delete_name(struct changes *changes, const struct instance *instance, uint64_t base);
void changes_put_instance(struct changes *changes, const struct instance *instance, uint64_t base);
void changes_delete_instance(struct changes *changes, const struct instance *instance, uint64_t base);
/* The instance must not have changed. */
void changes_check_instance(struct changes *changes, const struct held_instance *held);
void changes_put_bind(struct changes *changes, const struct bind *bind, uint64_t base);
void changes_delete_bind(struct changes *changes, const struct bind *bind, uint64_t base);
void changes_put_unbound(struct changes *changes, const struct bind *bind, uint64_t base);
void changes_delete_unbound(struct changes *changes, const struct bind *bind);
/* Also keeps the list of pending operations: an unfinished one is in it, a finished one is not. */
void changes_put_operation(struct changes *changes, const struct operation *operation, uint64_t base);
void changes_delete_operation(struct changes *changes, const struct operation *operation);
void changes_put_tombstone(struct changes *changes, const struct instance *instance, int64_t wall);
/* That the instance's retention ends at retained_until. */
void changes_put_retained(struct changes *changes, const struct instance *instance);
void changes_delete_retained(struct changes *changes, const struct instance *instance);

/* Logins of the instance may live on that should not: where to look for them (see lingering.h). */
void changes_put_to_end(struct changes *changes, const struct instance *instance);
#define TO_END "to-end/" /* before the incarnation: its key in KEYSPACE_META */

/* An entry of the audit, under a fresh id, and one more in its counter. */
void changes_put_audit(struct changes *changes, struct broker *broker, const struct audit *audit);
#define AUDIT_COUNTER "audit"
/* The same for an operation's end; outcome NULL: its state's name. error, the operation's, is the text. */
void changes_put_ending(struct changes *changes, struct broker *broker, const struct operation *operation,
                        const struct instance *instance, const char *outcome, int64_t wall);

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
