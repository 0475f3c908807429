/* The tables of the command line: every subcommand with its operand, options and help. */
#include "cli/command.h"
#include "cli/ctl.h"

#define CONFIG TAKES(OPTION_CONFIG)
#define ADMIN  (CONFIG | TAKES(OPTION_URL) | TAKES(OPTION_USER) | TAKES(OPTION_JSON))
#define OWNED  (TAKES(OPTION_SERVICE) | TAKES(OPTION_TEAM) | TAKES(OPTION_STATE) | TAKES(OPTION_SERVER))
#define LISTED (ADMIN | OWNED | TAKES(OPTION_NAME) | TAKES(OPTION_LIMIT))

const struct command ctl_commands[] = {
    {"services", NULL, ADMIN, "list services with their servers and plans", "", ctl_services, NULL},
    {"instances", NULL, LISTED, "list instances",
     "States: creating, ready, failed, removing, removal-failed (or canceled), retained (removed, and kept\nuntil its "
     "plan's retain has passed).\n",
     ctl_instances, NULL},
    {"show", "INSTANCE", ADMIN, "show an instance with its binds and its history",
     "INSTANCE is SERVICE/NAME, or the id that ctl instances lists.\n", ctl_show, NULL},
    {"operations", NULL, LISTED, "list operations",
     "States: pending (the default: all that has not ended), failed, done, canceled, any. What has ended is\nkept up "
     "to limits.history an instance. What is pending waits for its turn (others of its instance), a place on "
     "the\nserver, "
     "a lock (that somebody else holds there), its next retry, or a configuration that names its\nserver.\n",
     ctl_operations, NULL},
    {"retry", "OPERATION|INSTANCE", ADMIN, "try a pending operation now, or a failed one again",
     "With a pending operation's id, its next attempt is made at once. With SERVICE/NAME or an instance's\nid, what "
     "failed for good is taken up anew: a create, an update, a removal with what it promised, an\nunbind, a rotation, "
     "a purge, an undelete.\n",
     ctl_retry, NULL},
    {"cancel", "OPERATION", ADMIN, "give a pending operation up",
     "It fails for good with its next turn: a create is then cleaned up, an update leaves the plan as it\nis, a bind "
     "is followed by an unbind, a removal can be asked for again or taken back by undelete.\n",
     ctl_cancel, NULL},
    {"claim", "SERVICE/SERVER", ADMIN | TAKES(OPTION_YES), "take a server over that carries another mark, or none",
     "A server carries a mark of the broker's store that it belongs to. Where the mark is another store's, that\n"
     "of a copy, or lost, nothing is done on it; ctl health says why. A claim makes the server this broker's:\n"
     "any other broker stops to work on it. Asks first.\n",
     ctl_claim, NULL},
    {"drain", "SERVICE/SERVER", ADMIN, "place no new instances on a server",
     "What it holds stays and goes on to be served. Lasts over restarts, until undrain.\n", ctl_drain, NULL},
    {"undrain", "SERVICE/SERVER", ADMIN, "place new instances on a server again", "", ctl_undrain, NULL},
    {"remove", "INSTANCE", ADMIN | TAKES(OPTION_PROTECTED) | TAKES(OPTION_YES), "remove an instance, as tsuru would",
     "For one that tsuru has lost. INSTANCE is SERVICE/NAME, or the id. Its binds are ended, and it is\nretained where "
     "its plan says so. Asks for its name first. Where tsuru does have it, remove it there.\n",
     ctl_remove, NULL},
    {"unbind", "INSTANCE APP|JOB", ADMIN | TAKES(OPTION_YES), "end the bind of an app or a job, as tsuru would",
     "For what tsuru has lost: an app that was removed, or whose unbind was forced, while the broker was\naway, and "
     "jobs that were deleted. INSTANCE is SERVICE/NAME, or the id; where an app and a job have\nthe name, app/NAME or "
     "job/NAME. Its login is gone, and nothing brings its password back. Asks for the\nname of the app or the job "
     "first.\n",
     ctl_unbind, NULL},
    {"undelete", "INSTANCE", ADMIN | TAKES(OPTION_AS), "bring a removed instance back",
     "INSTANCE is SERVICE/NAME, NAME, or the id; where several that were removed had the name, they are listed\nwith "
     "their ids. While it is retained, or when its removal failed or was canceled: its content and the\ncredentials of "
     "its binds work again. Where tsuru has no row of it any more, its team gets it by\ntsuru service instance add "
     "with the same "
     "name and plan.\n",
     ctl_undelete, NULL},
    {"purge", "INSTANCE", ADMIN, "drop a retained instance now",
     "INSTANCE is SERVICE/NAME, NAME, or the id; where several that are retained had the name, they are listed\nwith "
     "their ids, and none is dropped. Its content is lost, and nothing is asked first.\n",
     ctl_purge, NULL},
    {"forget", "INSTANCE", ADMIN | TAKES(OPTION_REASON), "drop the broker's records of an instance",
     "Whatever is on the server stays there, and is nobody's. For servers that died for good. --reason is\nrequired.\n",
     ctl_forget, NULL},
    {"adopt", "SERVICE/NAME",
     ADMIN | TAKES(OPTION_TEAM) | TAKES(OPTION_SERVER) | TAKES(OPTION_RESOURCE) | TAKES(OPTION_PLAN) |
         TAKES(OPTION_KEEP_OWNER),
     "make what exists on a server an instance",
     "Its content is not touched. Its team gets it by tsuru service instance add with the same name and\nplan. --team "
     "and --resource are required, --server where the driver has servers.\n",
     ctl_adopt, NULL},
    {"verify", "[INSTANCE]", ADMIN, "compare servers with the records now",
     "Without an operand: everything. What is safe to mend (a role, a grant, a limit) is mended by an\nordinary "
     "operation. Exits 3 when something was found.\n",
     ctl_verify, NULL},
    {"drift", NULL, ADMIN, "show what the last comparison found", "Exits 3 when something was found.\n", ctl_drift,
     NULL},
    {"reconcile", NULL, ADMIN | TAKES(OPTION_APPLY), "compare the records with tsuru's own list now",
     "Needs \"tsuru\" in the configuration. Shows what either side lacks. With --apply, binds that tsuru has\n"
     "forgotten are ended: those that comparisons have found so for tsuru.grace, and that nobody has changed\n"
     "for as long. Instances are never removed. Exits 3 when something differs, or tsuru's answer was of no\nuse.\n",
     ctl_reconcile, NULL},
    {"audit", NULL, ADMIN | TAKES(OPTION_SERVICE) | TAKES(OPTION_NAME) | TAKES(OPTION_STATE) | TAKES(OPTION_LIMIT),
     "show who did what, the newest first", "--state filters by outcome: done, failed, canceled.\n", ctl_audit, NULL},
    {"health", NULL, ADMIN, "show whether the broker and its servers are well",
     "Exits 3 when it is not ready, its configuration's file is not good, a server is down, or a\n"
     "service that has instances is not configured.\n",
     ctl_health, NULL},
    {"replicas", NULL, ADMIN, "show the brokers that share the store",
     "As each tells of itself every 3 s: \"gone\" has told nothing for 15 s, and is forgotten after an hour. LAG\nis "
     "the "
     "revisions that the store had, and its view had not. CONFIGURATION is beside the active one's, among\nbrokers of "
     "one version. Exits 3 when one differs, or a name is taken twice.\n",
     ctl_replicas, NULL},
    {"step-down", NULL, ADMIN | TAKES(OPTION_FORCE), "let another broker become the active one",
     "The active one, whichever is asked, ends its calls and stands by; what was accepted is taken up by the\n"
     "next one. Says who that is. Exits 3 when no other has taken over.\n",
     ctl_step_down, NULL},
    {"reload", NULL, ADMIN, "put the configuration's file in force",
     "The same as SIGHUP, with the error told here. Of brokers that share a store only the one that is asked.\n",
     ctl_reload, NULL},
    {"rekey", NULL, ADMIN, "seal every secret with the first of the master keys",
     "Put a new key (tsuru-broker new-key) as the first line before the old one into the key's file, run\nctl reload "
     "and ctl rekey, then take the old line away.\n",
     ctl_rekey, NULL},
    {"backup", "FILE", CONFIG, "copy the store, consistently, while the broker runs",
     "Runs where data_dir is. To restore: put the file as data.mdb into an empty directory, and start on\nit as "
     "data_dir. The master key is not in it. Where brokers share a store, back its database up instead.\n",
     run_backup, NULL},
    {"export", "FILE", CONFIG, "write every record as a line of JSON",
     "Runs where data_dir is, while the broker runs or not; \"-\" is standard output. Secrets stay sealed\nwith the "
     "master key.\n",
     run_export, NULL},
    {"import", "FILE", CONFIG, "read records that export wrote into an empty store",
     "The broker must not run. \"-\" is standard input.\n", run_import, NULL},
    {0},
};

const struct command store_commands[] = {
    {"check", NULL, CONFIG, "look whether the store is as it has to be",
     "Changes nothing, and the broker may run. Of a shared store: the tables, the rights of the role on them,\nand "
     "whether "
     "head, log and records agree; of any: whether each record can be read, and leads to\nothers that are there. "
     "Prints a "
     "line for each finding, then the counts. Exits 0 when there is none,\nelse 1, also when the database does not "
     "answer.\n",
     run_store_check, NULL},
    {0},
};

const struct command cli_commands[] = {
    {"serve", NULL, CONFIG, "run the broker",
     "Runs until SIGTERM or SIGINT: then it accepts nothing more, answers what waits within\n"
     "limits.shutdown, and exits 0; a second signal ends the wait. SIGHUP puts the configuration's file\n"
     "in force. The log goes to standard error.\n"
     "The keys that seal passwords are read from secret_key_file, else from the environment variable\n"
     "SECRET_KEY, else from secret.key in data_dir, which is made when it is not there.\n",
     run_serve, NULL},
    {"check", NULL, CONFIG, "check the configuration and show every error in it",
     "Prints each error as file:line:column: sentence. Exits 0 when there are none, else 1. No server is\n"
     "contacted.\n",
     run_check, NULL},
    {"manifest", "SERVICE", CONFIG | TAKES(OPTION_ENDPOINT) | TAKES(OPTION_TEAM) | TAKES(OPTION_OPERATIONS),
     "print a service's manifest.yaml for tsuru service-create",
     "With --operations, prints the document for tsuru's fine-grained operations (JSON), by which tsuru\n"
     "gives each of the service's own commands a permission.\n",
     run_manifest, NULL},
    {"ctl", "COMMAND", 0, "operate the running broker", "", NULL, ctl_commands},
    {"store", "COMMAND", 0, "look at the store", "", NULL, store_commands},
    {"ping", NULL, CONFIG, "ask the running broker for an answer",
     "Connects to the listen address of the configuration. Exits 0 when the broker answers HTTP within 3 s,\n"
     "whatever it says, else 1. For health checks of containers.\n",
     run_ping, NULL},
    {"new-key", NULL, 0, "print a new master key", "64 hex digits, for secret_key_file or SECRET_KEY.\n", run_new_key,
     NULL},
    {"man", NULL, 0, "print the manual page", "For man(1): tsuru-broker man | man -l -\n", run_man, NULL},
    {"completion", NULL, 0, "print the completion for bash", "For bash: . <(tsuru-broker completion)\n", run_completion,
     NULL},
    {"version", NULL, 0, "print the version", "", run_version, NULL},
    {0},
};
