/* What an instance's parameters say for its binds, since tsuru's client knows no parameters of a bind, and a job's bind
 * has none at all: `env_prefix` and `read_only` for every bind of the instance, and `binds` for one alone, with any
 * parameter that its driver's binds know. `binds` is an object of objects, {"binds": {"shop": {"env_prefix": "A_"},
 * "job:nightly": {"read_only": true}}}, or, as tsuru's client sends it, a name with dots: "binds.shop.env_prefix".
 * An app's name has no colon, so that an app and a job of one name are two. What stands nearer to the bind wins: what
 * it was asked for with, then `binds`, then what is said for all. */
#ifndef MODEL_DEFAULTS_H
#define MODEL_DEFAULTS_H

#include "base/arena.h"
#include "model/model.h"

struct cJSON;

#define DEFAULTS_BINDS_MAX 256 /* apps and jobs that an instance's parameters may name */

/* Takes out of an instance's parameters what is for one bind alone: *ret_binds is an object of objects by whose it is,
 * "shop" or "job:nightly", to be freed by cJSON_Delete. ERR_INVALID for anything that is no such thing. */
int defaults_take(struct cJSON *parameters, struct cJSON **ret_binds, struct error *error);
/* The parameters (NULL: none) without it, whatever it is; the same text when they have none of it. NULL where they are
 * not: memory is out. */
const char *defaults_without(const char *parameters, struct arena *arena);

/* The parameters of a bind of that kind and name: sent (NULL: none), and what it does not say from those of the
 * instance. Sent itself where nothing is added. reads: whether `read_only` for all binds is among them. ERR_TOO_LARGE
 * when they are over PARAMETERS_MAX. */
int defaults_apply(const struct bind *bind, const char *sent, const struct cJSON *instance, bool reads,
                   struct arena *arena, const char **ret_parameters, struct error *error);
/* The names, with commas between, of the parameters whose meaning differs in two texts; "": none. */
int defaults_compare(const char *one, const char *other, struct arena *arena, const char **ret_names,
                     struct error *error);

#endif
