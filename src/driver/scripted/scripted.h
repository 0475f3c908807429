/* The scripted driver, for tests only: a server that is pretended, and misbehaves on command.
 *
 * Its world (instances and logins) is kept in memory or, with the server key `state`, in an append-only file, one line
 * an effect, written before the call settles and replayed at open:
 *
 *     instance NAME PLAN | login NAME INSTANCE PASSWORD-HASH | drop-login NAME | drop-instance NAME |
 *     retire NAME | restore NAME | mark TEXT
 *
 * What a call does is said by rules: the first that fits its kind and has times left. Unit tests add them here; the
 * program reads them from the file of the server key `rules` whenever a call begins, a line each, '#' for a comment:
 *
 *     KIND BEHAVIOUR [TIMES] [DELAY]
 *
 * BEHAVIOUR is one of those in rules.h; KIND is provision, update, deprovision, bind, unbind, check, observe,
 * act, allow-unit, deny-unit, retire, restore, inspect, list, adopt, read-mark, write-mark or *; TIMES is a number, 0
 * (the default) for always; DELAY a duration. The times of a file's rules are counted in memory, anew when the file's
 * size or time of change differs. With no rule a call does its work and settles at once. */
#ifndef DRIVER_SCRIPTED_SCRIPTED_H
#define DRIVER_SCRIPTED_SCRIPTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/drivers.h"
#include "driver/scripted/rules.h"

#define SCRIPTED_CRASH_STATUS 137 /* what the process ends with, as after a kill -9 */

/* In all functions state is backend->state. */

/* kind 0 fits every call; times 0 is always; code 0 is the behaviour's own. Without memory for it the next call fails.
 */
void scripted_rule(void *state, enum call_kind kind, enum scripted_behaviour behaviour, int times, int64_t delay_ms,
                   int code);
/* Forgets the rules that scripted_rule added. */
void scripted_clear_rules(void *state);
/* Lets the calls go that hang or are lost: they settle from the loop. Returns how many. */
size_t scripted_release(void *state);

/* How many calls of that kind (0: of any) have begun, and how many are under way. */
size_t scripted_begun(void *state, enum call_kind kind);
size_t scripted_under_way(void *state);

/* The world. Names are the instance's resource and the bind's login. With several servers: on any of them. */
bool scripted_has_instance(void *state, const char *name);
const char *scripted_plan(void *state, const char *name); /* NULL: no such instance */
bool scripted_has_login(void *state, const char *name);
bool scripted_password_is(void *state, const char *name, const char *password);
bool scripted_is_retired(void *state, const char *name);
/* Behind the broker's back: an instance on the first server (without memory the next call fails), or nothing of that
 * name any more anywhere. */
void scripted_put_instance(void *state, const char *name, const char *plan);
void scripted_drop(void *state, const char *name);
/* The mark of the first server, "" for none, and another in its place. */
const char *scripted_mark(void *state);
void scripted_put_mark(void *state, const char *mark);
size_t scripted_instances(void *state);
size_t scripted_logins(void *state);

#endif
