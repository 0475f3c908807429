/* Every key of the configuration but the drivers' own: type, default, range, check and meaning. docs/configuration.md
 * tells the same to people. */
#include "config/tables.h"

#include "config/reader.h"
#include "model/service.h"
#include "model/template.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    ((int64_t)1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

static int check_template_name(const char *name, const char *value, struct error *error)
{
	(void)value;
	return template_check_name(name, error);
}

const struct config_key top_keys[] = {
    {.name = "listen",
     .type = KEY_LIST,
     .max = CONFIG_LISTENERS_MAX,
     .check = check_listener,
     .help = "where tsuru reaches the broker"},
    {.name = "tls", .type = KEY_NODE, .help = "the certificate of those addresses"},
    {.name = "admin", .type = KEY_NODE, .help = "the operators' listener"},
    {.name = "trusted_proxies",
     .type = KEY_LIST,
     .max = CONFIG_PROXIES_MAX,
     .check = check_proxy,
     .help = "who may say for whom it sends a request"},
    {.name = "data_dir", .fallback = "/var/lib/tsuru-broker", .min = 1, .max = 3000, .help = "the store's directory"},
    {.name = "secret_key_file", .min = 1, .max = 3000, .help = "the file that holds the master key"},
    {.name = "store", .type = KEY_NODE, .help = "the database that several brokers share"},
    {.name = "tsuru", .type = KEY_NODE, .help = "tsuru's own API, to compare the records with what it knows"},
    {.name = "log", .type = KEY_NODE, .help = "the log's format and level"},
    {.name = "limits", .type = KEY_NODE, .help = "sizes and times"},
    {.name = "services", .type = KEY_NODE, .required = true, .help = "a list of what tsuru is offered"},
    {0},
};

const struct config_key tls_keys[] = {
    {.name = "cert", .required = true, .min = 1, .max = 3000, .help = "the file of the certificate and its chain"},
    {.name = "key", .required = true, .min = 1, .max = 3000, .help = "the file of its key"},
    {.name = "client_ca", .min = 1, .max = 3000, .help = "the file of those whom clients need a certificate of"},
    {0},
};

const struct config_key admin_keys[] = {
    {.name = "listen", .required = true, .check = check_listener, .help = "where operators reach it"},
    {.name = "username", .fallback = "admin", .min = 1, .max = 255, .help = "that operators log in with"},
    {.name = "password",
     .type = KEY_LIST,
     .max = SERVICE_PASSWORDS_MAX,
     .check = check_password,
     .secret = true,
     .help = "that operators log in with; several while it changes"},
    {.name = "password_file",
     .type = KEY_LIST,
     .max = SERVICE_PASSWORDS_MAX,
     .help = "files that hold a password each"},
    {.name = "open_metrics", .type = KEY_BOOL, .fallback = "true", .help = "whether /metrics needs no login"},
    {0},
};

const struct config_key log_keys[] = {
    {.name = "format", .fallback = "text", .check = check_log_format, .help = "text or json"},
    {.name = "level", .fallback = "info", .check = check_log_level, .help = "the least that is logged"},
    {0},
};

#define SIZE_KEY(key, def, least, most, says)                                                                          \
	{                                                                                                              \
		.name = (key), .type = KEY_SIZE, .fallback = (def), .min = (least), .max = (most), .help = (says)      \
	}
#define TIME_KEY(key, def, least, most, says)                                                                          \
	{                                                                                                              \
		.name = (key), .type = KEY_DURATION, .fallback = (def), .min = (least), .max = (most), .help = (says)  \
	}
#define NUMBER_KEY(key, def, least, most, says)                                                                        \
	{                                                                                                              \
		.name = (key), .type = KEY_NUMBER, .fallback = (def), .min = (least), .max = (most), .help = (says)    \
	}

const struct config_key tsuru_keys[] = {
    {.name = "url", .required = true, .check = check_url, .help = "of tsuru's API"},
    {.name = "token_file", .required = true, .min = 1, .max = 3000, .help = "the file that holds a token of tsuru's"},
    {.name = "ca_file", .min = 1, .max = 3000, .help = "the certificates that https trusts; default: the system's"},
    TIME_KEY("interval", "1h", 0, 7 * DAY, "between two comparisons; 0: only ctl reconcile begins one"),
    TIME_KEY("grace", "6h", SECOND, 365 * DAY, "that tsuru does not know a bind before it may be ended"),
    {.name = "end_orphans", .type = KEY_BOOL, .fallback = "false", .help = "whether comparisons end such binds"},
    NUMBER_KEY("limit", "10", 1, 1000, "of the binds that one comparison ends"),
    {0},
};

const struct config_key store_keys[] = {
    {.name = "postgres",
     .required = true,
     .check = check_postgres_url,
     .secret = true,
     .help = "the url of the database: postgres://user@host/database"},
    {.name = "password_file", .min = 1, .max = 3000, .help = "the file that holds the password of that url's user"},
    {.name = "name", .min = 1, .max = 63, .help = "this broker's among those that share; the machine's if absent"},
    {.name = "address",
     .max = 255,
     .check = check_origin,
     .help = "the url under which the others reach this broker; of its first address if absent"},
    {.name = "admin_address",
     .max = 255,
     .check = check_origin,
     .help = "the url under which the others reach this broker's \"admin\"; none if absent"},
    {.name = "peer_ca_file",
     .min = 1,
     .max = 3000,
     .help = "the certificates that https of the others is verified by; default: the system's"},
    TIME_KEY("lease", "10s", 2 * SECOND, HOUR, "without a sign of life after which another broker takes over"),
    {.name = "notify",
     .type = KEY_BOOL,
     .fallback = "true",
     .help = "whether standbys are told of each commit at once"},
    {0},
};

const struct config_key limits_keys[] = {
    SIZE_KEY("header_bytes", "64KiB", 4 * KIB, MIB, "of a request line and its headers"),
    SIZE_KEY("body_bytes", "1MiB", 4 * KIB, 64 * MIB, "of a request's body"),
    TIME_KEY("request_timeout", "30s", SECOND, 10 * MINUTE, "to receive a whole request"),
    TIME_KEY("idle_timeout", "75s", SECOND, HOUR, "that a kept connection may be idle"),
    NUMBER_KEY("connections", "20000", 10, 1000000, "open at once; more are closed"),
    NUMBER_KEY("connections_per_address", "0", 0, 1000000, "open at once from one address; 0: no limit"),
    NUMBER_KEY("strangers", "8192", 10, 1000000, "open at once that have not logged in"),
    NUMBER_KEY("strangers_per_address", "4096", 0, 1000000, "of those, from one address; 0: no limit"),
    NUMBER_KEY("requests", "4096", 1, 1000000, "waiting for their answer at once; more are answered 503"),
    SIZE_KEY("body_bytes_total", "64MiB", MIB, 1024 * GIB, "of all bodies that are being received"),
    TIME_KEY("shutdown", "30s", 0, 10 * MINUTE, "that waiting requests get after SIGTERM"),
    TIME_KEY("tombstones", "30d", HOUR, 3650 * DAY, "that removed instances are remembered"),
    TIME_KEY("verify_interval", "6h", 0, 365 * DAY, "between two passes that compare servers with records; 0: none"),
    NUMBER_KEY("verify_rate", "5", 1, 1000, "instances looked at in a second by such a pass"),
    TIME_KEY("audit", "365d", HOUR, 3650 * DAY, "that the record of who did what is kept"),
    NUMBER_KEY("audit_entries", "1000000", 1000, 100000000, "the most that are kept of it"),
    NUMBER_KEY("pending", "256", 1, 100000, "operations of an instance that wait or run; more are answered 503"),
    NUMBER_KEY("history", "20", 1, 1000, "finished operations kept for an instance"),
    SIZE_KEY("store_bytes", "64GiB", 16 * MIB, 1024 * GIB, "that the store may grow to"),
    {0},
};

const struct config_key service_keys[] = {
    {.name = "name", .required = true, .check = check_service_name, .help = "as in tsuru's manifest"},
    {.name = "path", .check = check_path, .help = "its base path; /NAME if absent"},
    {.name = "driver", .required = true, .check = check_name, .help = "what kind of server it is"},
    {.name = "username", .min = 1, .max = 255, .help = "that tsuru logs in with; the name if absent"},
    {.name = "password",
     .type = KEY_LIST,
     .max = SERVICE_PASSWORDS_MAX,
     .check = check_password,
     .secret = true,
     .help = "that tsuru logs in with; several while it changes"},
    {.name = "password_file",
     .type = KEY_LIST,
     .max = SERVICE_PASSWORDS_MAX,
     .help = "files that hold a password each"},
    TIME_KEY("wait", "25s", 0, 280 * SECOND, "that a create, update or removal waits to be finished"),
    TIME_KEY("bind_wait", "120s", SECOND, 280 * SECOND, "that a bind waits for its answer"),
    TIME_KEY("attempt_timeout", "60s", SECOND, HOUR, "for one attempt on a server"),
    TIME_KEY("retry_for", "1h", 0, 30 * DAY, "that failures which may pass are retried"),
    NUMBER_KEY("instances_per_team", "0", 0, 1000000, "of all plans; 0: no limit"),
    {.name = "status_code",
     .type = KEY_NUMBER,
     .fallback = "200",
     .check = check_status_code,
     .help = "that the status of what is down has: 200 with the reason, or 500"},
    {.name = "multi_cluster", .type = KEY_BOOL, .fallback = "false", .help = "whether tsuru chooses a cluster by pool"},
    {.name = "single_tsuru",
     .type = KEY_BOOL,
     .fallback = "false",
     .help = "whether one tsuru alone uses it: a create takes over what that one forgot"},
    {.name = "servers", .type = KEY_NODE, .help = "a list of the servers that hold the instances"},
    {.name = "env", .type = KEY_MAP, .max = 256, .check = check_template_name, .help = "variables that apps get"},
    {.name = "plans", .type = KEY_NODE, .required = true, .help = "a list of what users choose from"},
    {0},
};

const struct config_key server_keys[] = {
    {.name = "name", .required = true, .check = check_name, .help = "for logs, info and operators"},
    {.name = "cluster", .check = check_name, .help = "the tsuru cluster that it serves"},
    {.name = "pool", .check = check_name, .help = "the tsuru pool that it serves"},
    NUMBER_KEY("capacity", "0", 0, 1000000, "instances; 0: no limit"),
    NUMBER_KEY("weight", "1", 1, 1000, "its share of new instances"),
    NUMBER_KEY("parallel", "4", 1, 64, "operations at once"),
    {0},
};

const struct config_key plan_keys[] = {
    {.name = "name", .required = true, .check = check_name, .help = "that users give"},
    {.name = "description", .fallback = "", .max = 1024, .help = "that users see"},
    TIME_KEY("retain", NULL, 0, 3650 * DAY, "that a removed instance can be brought back; the driver's if absent"),
    NUMBER_KEY("instances", "0", 0, 100000000, "of this plan in all; 0: no limit"),
    NUMBER_KEY("instances_per_team", "0", 0, 1000000, "of this plan; 0: no limit"),
    {.name = "env", .type = KEY_MAP, .max = 256, .check = check_template_name, .help = "variables that apps get"},
    {0},
};
