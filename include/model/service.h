/* A service, its plans and its servers, as the configuration says them. Immutable after loading; owned by the
 * configuration. */
#ifndef MODEL_SERVICE_H
#define MODEL_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/key.h"

#define SERVICE_NAME_MAX      63 /* bytes */
#define SERVER_NAME_MAX       64
#define SERVICE_PASSWORDS_MAX 4

struct plan {
	const char *name;
	const char *description;
	const struct pair *env; /* templates on top of the service's; an empty text takes a name away */
	size_t env_count;
	int64_t retain;             /* ms that a removed instance is kept; 0: not at all */
	int64_t instances;          /* in all; 0: no limit */
	int64_t instances_per_team; /* 0: no limit */
	struct options options;     /* the driver's plan keys */
};

struct server {
	const char *name;
	const char *cluster, *pool; /* multi-cluster services: NULL matches any */
	int64_t capacity;           /* instances; 0: no limit */
	int64_t weight;             /* 1 to 1000: share of new instances when there is room */
	int64_t parallel;           /* operations at once */
	struct options options;     /* the driver's server keys */
};

struct service {
	const char *name;
	const char *path; /* "/postgres", or "/" */
	const char *driver;
	const char *username;
	const char *const *passwords; /* any of them opens; the manifest shows the first */
	size_t password_count;        /* 1 to SERVICE_PASSWORDS_MAX */
	int64_t wait, bind_wait;      /* ms */
	int64_t attempt_timeout;      /* ms: the deadline of one attempt on a server */
	int64_t retry_for;            /* ms: how long a create, update or bind is retried before its failure is final */
	int64_t instances_per_team;   /* of all plans; 0: no limit */
	int64_t status_code;          /* of the status of an instance that is down: 200, with the reason, or 500 */
	bool multi_cluster;
	bool single_tsuru; /* one tsuru alone uses it: what that one does not know of is nobody's */
	const struct server *servers;
	size_t server_count; /* may be 0 for drivers that have no servers */
	const struct pair
	    *env; /* templates (name -> text with {variables}) on top of the driver's; "" takes a name away */
	size_t env_count;
	const struct plan *plans;
	size_t plan_count; /* at least 1 */
};

/* By name; NULL when there is none. */
const struct plan *service_plan(const struct service *service, const char *name);
const struct server *service_server(const struct service *service, const char *name);

/* Whether the server of a multi-cluster service takes what is asked for with this cluster and pool (either may be
 * NULL). */
bool server_serves(const struct server *server, const char *cluster, const char *pool);
/* The same of any server of the service: 0, or ERR_INVALID with a sentence that names what no server serves, or that
 * neither is given. Of a service that is not multi-cluster, 0. */
int service_check_place(const struct service *service, const char *cluster, const char *pool, struct error *error);

#endif
