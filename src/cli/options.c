/* The table of options. */
#include "cli/command.h"

const struct cli_option cli_options[OPTION_COUNT] = {
    [OPTION_HELP] = {'h', "help", NULL, "show this help"},
    [OPTION_CONFIG] = {'c', "config", "FILE",
                       "the configuration; default: $TSURU_BROKER_CONFIG, else\n/etc/tsuru-broker/broker.yaml"},
    [OPTION_ENDPOINT] = {0, "endpoint", "URL",
                         "where tsuru reaches the broker; the service's path is added\nunless it ends in it. Default: "
                         "the listen address"},
    [OPTION_OPERATIONS] = {0, "operations", NULL, "print the document of the service's commands instead"},
    [OPTION_URL] = {0, "url", "URL",
                    "the operators' listener, instead of the configuration's admin;\nthe password is then taken from "
                    "$TSURU_BROKER_PASSWORD"},
    [OPTION_USER] = {0, "user", "NAME", "with --url: the user to log in as; default: admin"},
    [OPTION_JSON] = {0, "json", NULL, "print JSON instead of a table"},
    [OPTION_SERVICE] = {0, "service", "SERVICE", "only those of the service"},
    [OPTION_TEAM] = {'t', "team", "TEAM", "the tsuru team that owns it"},
    [OPTION_STATE] = {0, "state", "STATE", "only those in the state"},
    [OPTION_SERVER] = {0, "server", "SERVER", "the server of the configuration that holds it"},
    [OPTION_NAME] = {0, "name", "NAME", "only those of the instance"},
    [OPTION_LIMIT] = {0, "limit", "NUMBER", "at most so many; default: all, of the audit 100"},
    [OPTION_AS] = {0, "as", "NAME", "the name to bring it back under; default: its own"},
    [OPTION_REASON] = {0, "reason", "TEXT", "why; kept in the audit"},
    [OPTION_RESOURCE] = {0, "resource", "NAME", "what it is called on the server"},
    [OPTION_PLAN] = {0, "plan", "PLAN", "the plan it gets; default: the service's first"},
    [OPTION_KEEP_OWNER] = {0, "keep-owner", NULL,
                           "adopt it also when its owner has its name and can log in; apps act\nas that owner, and "
                           "may set its password"},
    [OPTION_PROTECTED] = {0, "protected", NULL,
                          "remove it also when deletion_protection is set, which is its team's\nto lift"},
    [OPTION_APPLY] = {0, "apply", NULL, "end the binds that are due, no more than tsuru.limit"},
    [OPTION_FORCE] = {0, "force", NULL, "step down also when no broker stands by to take over"},
    [OPTION_YES] = {'y', "yes", NULL, "do not ask whether it is meant"},
};

bool command_takes(const struct command *command, enum option_id option)
{
	return option == OPTION_HELP || (command->options & TAKES(option)) != 0;
}
