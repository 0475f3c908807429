/* Reads the command line by the tables of subcommands and options, and writes the help from the same tables. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

#define PROGRAM        "tsuru-broker"
#define DEFAULT_CONFIG "/etc/tsuru-broker/broker.yaml"
#define OPTIONS_MAX    8

static const struct cli_option options[] = {
    {'c', true, "config", "FILE", "the configuration; default: $TSURU_BROKER_CONFIG, else\n" DEFAULT_CONFIG},
    {'e', false, "endpoint", "URL",
     "where tsuru reaches the broker; the service's path is added\nunless it ends in it. Default: the listen address"},
    {'t', false, "team", "TEAM", "the tsuru team that owns the service"},
    {'o', false, "operations", NULL, "print the document of the service's commands instead"},
    {'h', true, "help", NULL, "show this help"},
};

static const struct command commands[] = {
    {"serve", NULL, "c", "run the broker",
     "Runs until SIGTERM or SIGINT: then it accepts nothing more, answers what waits within\n"
     "limits.shutdown, and exits 0; a second signal ends the wait. The log goes to standard error.\n"
     "The key that seals passwords is read from secret_key_file, else from the environment variable\n"
     "SECRET_KEY, else from secret.key in data_dir, which is made when it is not there.\n",
     run_serve},
    {"check", NULL, "c", "check the configuration and show every error in it",
     "Prints each error as file:line:column: sentence. Exits 0 when there are none, else 1. No server is\n"
     "contacted.\n",
     run_check},
    {"manifest", "SERVICE", "ceto", "print a service's manifest.yaml for tsuru service-create",
     "With --operations, prints the document for tsuru's fine-grained operations (JSON), by which tsuru\n"
     "gives each of the service's own commands a permission.\n",
     run_manifest},
    {"ping", NULL, "c", "ask the running broker for an answer",
     "Connects to the listen address of the configuration. Exits 0 when the broker answers HTTP within 3 s,\n"
     "whatever it says, else 1. For health checks of containers.\n",
     run_ping},
    {"version", NULL, "", "print the version", "", run_version},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

int run_version(const struct invocation *invocation)
{
	fprintf(invocation->out, PROGRAM " %s\n", BROKER_VERSION);
	return EXIT_GOOD;
}

static void print_overview(FILE *file)
{
	fputs("usage: " PROGRAM " COMMAND [OPTION...]\n\nServices of tsuru on the servers you already run.\n\n"
	      "commands:\n",
	      file);
	for (const struct command *command = commands; command->name != NULL; command++)
		fprintf(file, "  %-10s %s\n", command->name, command->summary);
	fputs("\n" PROGRAM " COMMAND --help explains a command and its options.\n"
	      "exit codes: 0 good, 1 failed or the configuration is not good, 2 wrong usage\n",
	      file);
}

/* Prints lines of text, those after the first indented. */
static void print_indented(FILE *file, const char *text, int indent)
{
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
		fprintf(file, "%.*s\n%*s", (int)(end - text), text, indent, "");
	fprintf(file, "%s\n", text);
}

static bool takes(const struct command *command, const struct cli_option *option)
{
	return option->letter == 'h' || strchr(command->options, option->letter) != NULL;
}

static void print_option(FILE *file, const struct cli_option *option)
{
	char left[40];
	int length = snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", option->is_short ? '-' : ' ',
	                      option->is_short ? option->letter : ' ', option->is_short ? ", " : "  ", option->name,
	                      option->value != NULL ? " " : "", option->value != NULL ? option->value : "");

	fprintf(file, "%-24s", length > 0 ? left : "");
	print_indented(file, option->help, 24);
}

static void print_help(FILE *file, const struct command *command)
{
	fprintf(file, "usage: " PROGRAM " %s [OPTION...]%s%s\n\n%s\n", command->name,
	        command->operand != NULL ? " " : "", command->operand != NULL ? command->operand : "",
	        command->summary);
	if (command->help[0] != '\0')
		fprintf(file, "\n%s", command->help);
	fputs("\noptions:\n", file);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (takes(command, &options[i]))
			print_option(file, &options[i]);
	}
}

static int complain(FILE *err, const struct command *command, const char *what, const char *subject)
{
	fprintf(err, PROGRAM ": %s \"%s\"; see " PROGRAM "%s%s --help\n", what, subject, command != NULL ? " " : "",
	        command != NULL ? command->name : "");
	return EXIT_USAGE;
}

/* getopt names an unknown letter, or has just passed the whole option. */
static int complain_of_option(FILE *err, const struct command *command, const char *passed)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	bool is_letter = optopt != 0 && strncmp(passed, "--", 2) != 0;

	return complain(err, command, "unknown or wrongly used option", is_letter ? letter : passed);
}

/* getopt's own tables of the options that command takes. */
static void make_getopt_tables(const struct command *command, struct option *ret_long, char *ret_short)
{
	*ret_short++ = ':';
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (!takes(command, &options[i]))
			continue;
		*ret_long++ = (struct option){
		    .name = options[i].name,
		    .has_arg = options[i].value != NULL ? required_argument : no_argument,
		    .val = options[i].letter,
		};
		if (!options[i].is_short)
			continue;
		*ret_short++ = options[i].letter;
		if (options[i].value != NULL)
			*ret_short++ = ':';
	}
	*ret_long = (struct option){0};
	*ret_short = '\0';
}

static void set_option(struct invocation *invocation, int letter, const char *value)
{
	if (letter == 'c')
		invocation->config_file = value;
	else if (letter == 'e')
		invocation->endpoint = value;
	else if (letter == 't')
		invocation->team = value;
	else if (letter == 'o')
		invocation->operations = true;
}

/* Reads what follows the subcommand. 0, EXIT_USAGE, or 'h' when help is asked for. */
static int read_options(const struct command *command, int argc, char **argv, struct invocation *invocation)
{
	struct option long_options[OPTIONS_MAX + 1];
	char short_options[2 * OPTIONS_MAX + 2];
	int letter;

	make_getopt_tables(command, long_options, short_options);
	opterr = 0;
	optind = 0; /* the GNU way to begin anew */
	while ((letter = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (letter == 'h')
			return 'h';
		if (letter == ':')
			return complain(invocation->err, command, "a value is missing for the option",
			                argv[optind - 1]);
		if (letter == '?')
			return complain_of_option(invocation->err, command, argv[optind - 1]);
		set_option(invocation, letter, optarg);
	}
	if (command->operand != NULL && optind < argc)
		invocation->operand = argv[optind++];
	if (optind < argc)
		return complain(invocation->err, command, "unexpected argument", argv[optind]);
	if (command->operand != NULL && invocation->operand == NULL)
		return complain(invocation->err, command, "missing argument", command->operand);
	return 0;
}

static int run_command(const struct command *command, int argc, char **argv, FILE *out, FILE *err)
{
	const char *from_environment = getenv("TSURU_BROKER_CONFIG");
	struct invocation invocation = {
	    .config_file = from_environment != NULL ? from_environment : DEFAULT_CONFIG,
	    .out = out,
	    .err = err,
	};
	int rc = read_options(command, argc, argv, &invocation);

	if (rc == 'h') {
		print_help(out, command);
		return EXIT_GOOD;
	}
	if (rc != 0)
		return rc;
	rc = command->run(&invocation);
	if (fflush(out) != 0 && rc == EXIT_GOOD) {
		fputs(PROGRAM ": the output cannot be written\n", err);
		rc = EXIT_FAILED;
	}
	return rc;
}

int cli_run(int argc, char **argv, FILE *out, FILE *err)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (word == NULL) {
		print_overview(err);
		return EXIT_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		print_overview(out);
		return EXIT_GOOD;
	}
	if (strcmp(word, "--version") == 0)
		word = "version";
	for (const struct command *command = commands; command->name != NULL; command++) {
		if (strcmp(command->name, word) == 0)
			return run_command(command, argc - 1, argv + 1, out, err);
	}
	return complain(err, NULL, word[0] == '-' ? "unknown option" : "unknown command", word);
}
