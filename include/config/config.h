/* The configuration: one YAML file, walked by tables of keys, into an immutable result.
 * All errors of a file are found at once, each as "file:line:column: sentence". */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/network.h"
#include "base/text.h"
#include "config/key.h"
#include "model/service.h"

#define CONFIG_FILE_MAX      (1024 * 1024) /* bytes */
#define CONFIG_LISTENERS_MAX 8
#define CONFIG_PROXIES_MAX   256
#define CONFIG_ERRORS_MAX    100 /* shown; more are counted */

/* What the configuration needs to know of a driver, so that this floor need not include it. */
struct config_driver {
	const char *name;
	const struct config_key *server_keys; /* NULL: the driver has no servers, and `servers` is refused */
	const struct config_key *plan_keys;   /* NULL: none of its own */
	bool retires;                         /* whether plans may say `retain` */
	int64_t retain;                       /* ms; of plans that do not say it */
	const char *const
	    *variables; /* what env templates may use beside template_common; ends with NULL. NULL: anything */
};

struct listener {
	const char *text; /* as written */
	const char *host; /* IPv4 or IPv6 address without brackets; NULL: path */
	uint16_t port;    /* 0: the kernel chooses (tests); the log says which */
	const char *path; /* of a socket file: "unix:/run/broker.sock"; NULL: host and port */
};

/* The certificate of the service's listeners. */
struct tls_files {
	const char *cert, *key;
	const char *client_ca; /* NULL: clients need no certificate */
};

/* The operators' listener. */
struct admin {
	struct listener listen;
	const char *username;
	const char *const *passwords;
	size_t password_count; /* 0: a socket file, open to whoever may open it */
	bool open_metrics;     /* /metrics needs no login */
};

/* tsuru itself, whose own list the records are compared with. */
struct tsuru {
	const char *url;     /* http:// or https://, perhaps with a path */
	const char *token;   /* that the broker logs in with; never to be logged */
	const char *ca_file; /* NULL: the system's */
	int64_t interval;    /* ms between two comparisons; 0: only when an operator asks; default 1h */
	int64_t grace; /* ms that a bind has to have been one that tsuru does not know before it may be ended; default
	                  6h */
	bool end_orphans; /* whether a comparison that nobody asked for ends such binds */
	int64_t limit;    /* of those, the most that one comparison ends; default 10 */
};

/* The database that several brokers share. */
struct shared_store {
	const char *postgres;      /* its url; never to be logged */
	const char *password;      /* NULL: the url has it, or none is needed; never to be logged */
	const char *name;          /* this broker's among them; NULL: the machine's */
	const char *address;       /* url under which the others reach it; NULL: of its first listener */
	const char *admin_address; /* likewise, for operators' calls, of its `admin`; NULL: they do not */
	const char *peer_ca_file;  /* that https of the others is verified by; NULL: the system's */
	int64_t lease;             /* ms without a sign of life after which another takes over; default 10s */
	bool notify;               /* whether others are told of each commit at once; default true */
};

struct limits {
	int64_t header_bytes;            /* request line and headers; default 64KiB */
	int64_t body_bytes;              /* default 1MiB */
	int64_t request_timeout;         /* ms to receive a whole request; default 30s */
	int64_t idle_timeout;            /* ms a kept connection may be idle; default 75s */
	int64_t connections;             /* of the service API, in all; default 20000 */
	int64_t connections_per_address; /* 0: no limit */
	int64_t strangers;               /* connections that have not logged in, of each listener; default 8192 */
	int64_t strangers_per_address;   /* 0: no limit; default 4096 */
	int64_t admin_connections;       /* of the operators' listener; no key: see config_fit_files */
	int64_t requests;                /* waiting for an answer at once; default 4096 */
	int64_t body_bytes_total;        /* of all bodies being received; default 64MiB */
	int64_t shutdown;                /* ms that waiting requests get after SIGTERM; default 30s */
	int64_t tombstones;      /* ms that removed instances and binds are remembered; default 30d, at least 1h */
	int64_t verify_interval; /* ms between two passes that compare servers with records; 0: none; default 6h */
	int64_t verify_rate;     /* instances a second; default 5 */
	int64_t audit;           /* ms that the record of who did what is kept; default 365d */
	int64_t audit_entries;   /* the most that are kept of it; default 1000000 */
	int64_t pending;         /* operations of an instance that have not ended; default 256 */
	int64_t history;         /* finished operations kept for an instance; default 20 */
	int64_t store_bytes;     /* the most the store's file may grow to; default 64GiB */
};

struct config {
	const char *file;
	const struct listener *listeners; /* of the service API */
	size_t listener_count;            /* 1 to CONFIG_LISTENERS_MAX */
	const struct tls_files *tls;      /* for those that are no socket files; NULL: none */
	const struct admin *admin;        /* NULL: none */
	const struct tsuru *tsuru;        /* NULL: nothing is compared */
	const struct network *proxies;    /* that say for whom they send a request */
	size_t proxy_count;
	bool trusts_sockets; /* whoever comes by a socket file is such a proxy */
	const char *data_dir;
	const struct shared_store *store; /* NULL: the records are in data_dir alone */
	const char *secret_key_file;      /* NULL: SECRET_KEY from the environment, else <data_dir>/secret.key */
	const char *log_format;           /* "text" or "json" */
	const char *log_level;            /* "debug", "info", "warning", "error" */
	struct limits limits;
	const struct service *services;
	size_t service_count; /* at least 1 */
};

/* One message of a file that is not good. Borrowed from the list. */
struct config_errors {
	const char *const *texts;
	size_t count; /* of texts */
	size_t total; /* found */
};

/* Reads and checks path against the drivers. On success *ret_config is the caller's, to be freed by config_free, and 0
 * is returned. On failure ERR_INVALID, and *ret_errors is the caller's, freed by config_errors_free.
 * `${VAR}` and `${VAR:-default}` in scalars are replaced from the environment; `$$` is a dollar sign. */
int config_load(const char *path, const struct config_driver *drivers, size_t driver_count, struct config **ret_config,
                struct config_errors **ret_errors);
/* Lowers the limits of connections so that the process, which may open that many files, has some left for all else:
 * the store, servers, programs. False: all of them fitted. */
bool config_fit_files(struct config *config, int64_t files);
/* Another holder; it calls config_free, too. */
struct config *config_hold(struct config *config);
/* Ends a hold; the last one wipes secrets and frees. Accepts NULL. */
void config_free(struct config *config);
void config_errors_free(struct config_errors *errors);

/* Appends what has to be the same at all brokers that share a store; it holds passwords, and is to be hashed and wiped.
 */
void config_digest(const struct config *config, struct text *ret_text);

/* The service of that name, or NULL. */
const struct service *config_service(const struct config *config, const char *name);

#endif
