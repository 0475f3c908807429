/* What a server's answers mean. All of them come from outside: whatever is not of the form that it should have is taken
 * for absent. Answers are borrowed and may be NULL. */
#ifndef DRIVER_RABBITMQ_ANSWER_H
#define DRIVER_RABBITMQ_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "config/key.h"
#include "request.h"

struct cJSON;

/* *ret_found is false for 404. *ret_root is the caller's, to be freed by cJSON_Delete; NULL for an answer without a
 * body. ERR_REFUSED for what the server will not do, ERR_UNAVAILABLE and ERR_BUSY for what may pass, with its own
 * reason where it gives one. */
int rabbitmq_answer_read(int status, const char *body, bool *ret_found, struct cJSON **ret_root, struct error *error);

/* Of whoami: ERR_UNAVAILABLE unless it may administrate. */
int rabbitmq_answer_check_admin(const struct cJSON *root, struct error *error);

/* ---- a vhost ---- */

/* Whether a node at least has it running, or nothing is said of that. */
bool rabbitmq_answer_runs(const struct cJSON *vhost);
/* The nodes that say that it is stopped there, ended by NULL. NULL: memory is out. */
const char *const *rabbitmq_answer_stopped(const struct cJSON *vhost, struct arena *arena);
bool rabbitmq_answer_is_retired(const struct cJSON *vhost);
/* By the list of its exchanges: are those there that every vhost is made with, and that nobody can delete? */
bool rabbitmq_answer_is_whole(const struct cJSON *exchanges);
/* ---- what is compared ---- */

/* Are the limits of a vhost (a list as /api/vhost-limits/NAME has it) those of the plan? */
bool rabbitmq_answer_vhost_fits(const struct cJSON *limits, const struct options *plan);
/* Is the user without tags, and are its limits those of the plan? */
bool rabbitmq_answer_user_fits(const struct cJSON *user, const struct options *plan);
/* Is the password of the user the one whose hash is there? */
bool rabbitmq_answer_password_fits(const struct cJSON *user, const char *password);
/* Has the login the rights that it should have, by a vhost's list of permissions? */
bool rabbitmq_answer_rights_fit(const struct cJSON *permissions, const char *login, bool read_only);
/* Has a user, by its own list of permissions, rights in this vhost and in no other? */
bool rabbitmq_answer_is_confined(const struct cJSON *permissions, const char *vhost);

/* ---- lists ---- */

size_t rabbitmq_answer_count(const struct cJSON *list);
/* A member that is a text; NULL: there is none. */
const char *rabbitmq_answer_text(const struct cJSON *object, const char *member);
/* Of a member that is a number, over all items; at most INT64_MAX / 2. */
int64_t rabbitmq_answer_sum(const struct cJSON *list, const char *member);
/* A member that is a number and not negative; otherwise 0. */
int64_t rabbitmq_answer_number(const struct cJSON *object, const char *member);
/* The member's texts, ended by NULL, copied into the arena. NULL: memory is out. */
const char *const *rabbitmq_answer_texts(const struct cJSON *list, const char *member, struct arena *arena);
/* The names, ended by NULL, of those connections of a list that are the login's and began before that wall time in ms.
 * NULL: memory is out. */
const char *const *rabbitmq_answer_sessions(const struct cJSON *list, const char *login, int64_t before,
                                            struct arena *arena);

#endif
