/* Reads the command line by the tables of src/cli/commands.c. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

#define PROGRAM        "tsuru-broker"
#define DEFAULT_CONFIG "/etc/tsuru-broker/broker.yaml"
#define PATH_MAX_BYTES 64

/* ---- reading ---- */

/* A command line on its way: path is the words that led to command. */
struct command_line {
	char path[PATH_MAX_BYTES];
	const struct command *command;
	int argc;
	char **argv;
	FILE *out, *err;
};

static int complain(const struct command_line *line, const char *what, const char *subject)
{
	fprintf(line->err, PROGRAM ": %s \"%s\"; see %s%s%s --help\n", what, subject, line->path,
	        line->command != NULL ? " " : "", line->command != NULL ? line->command->name : "");
	return EXIT_USAGE;
}

/* getopt names an unknown letter, or has just passed the whole option. */
static int complain_of_option(const struct command_line *line, const char *passed)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	bool is_letter = optopt != 0 && optopt < 256 && strncmp(passed, "--", 2) != 0;

	return complain(line, "unknown or wrongly used option", is_letter ? letter : passed);
}

/* getopt's own tables of the options that command takes; an option without a letter gets a number above all letters. */
static void make_getopt_tables(const struct command *command, struct option *ret_long, char *ret_short)
{
	*ret_short++ = ':';
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct cli_option *option = &cli_options[id];

		if (!command_takes(command, id))
			continue;
		*ret_long++ = (struct option){
		    .name = option->name,
		    .has_arg = option->value != NULL ? required_argument : no_argument,
		    .val = 256 + (int)id,
		};
		if (option->letter == 0)
			continue;
		*ret_short++ = option->letter;
		if (option->value != NULL)
			*ret_short++ = ':';
	}
	*ret_long = (struct option){0};
	*ret_short = '\0';
}

static enum option_id option_of(int value)
{
	if (value >= 256)
		return (enum option_id)(value - 256);
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		if (cli_options[id].letter == (char)value)
			return id;
	}
	return OPTION_HELP;
}

static int read_operand(const struct command_line *line, struct invocation *invocation)
{
	const char *operand = line->command->operand;
	const char *space = operand != NULL ? strchr(operand, ' ') : NULL;

	if (operand != NULL && optind < line->argc)
		invocation->operand = line->argv[optind++];
	if (space != NULL && optind < line->argc)
		invocation->second = line->argv[optind++];
	if (optind < line->argc)
		return complain(line, "unexpected argument", line->argv[optind]);
	if (operand != NULL && operand[0] != '[' && invocation->operand == NULL)
		return complain(line, "missing argument", operand);
	if (space != NULL && invocation->second == NULL)
		return complain(line, "missing argument", space + 1);
	return 0;
}

/* Reads what follows the subcommand. 0, or EXIT_USAGE. */
static int read_options(const struct command_line *line, struct invocation *invocation)
{
	struct option long_options[OPTION_COUNT + 1];
	char short_options[2 * OPTION_COUNT + 2];
	int value;

	make_getopt_tables(line->command, long_options, short_options);
	opterr = 0;
	optind = 0; /* the GNU way to begin anew */
	while ((value = getopt_long(line->argc, line->argv, short_options, long_options, NULL)) != -1) {
		if (value == ':')
			return complain(line, "a value is missing for the option", line->argv[optind - 1]);
		if (value == '?')
			return complain_of_option(line, line->argv[optind - 1]);
		invocation->values[option_of(value)] = optarg != NULL ? optarg : "";
	}
	return invocation->values[OPTION_HELP] != NULL ? 0 : read_operand(line, invocation);
}

static int run_command(const struct command_line *line)
{
	const char *from_environment = getenv("TSURU_BROKER_CONFIG");
	struct invocation invocation = {.commands = cli_commands, .out = line->out, .err = line->err};
	int rc = read_options(line, &invocation);

	if (rc != 0)
		return rc;
	if (invocation.values[OPTION_HELP] != NULL) {
		help_command(line->out, line->path, line->command);
		return EXIT_GOOD;
	}
	invocation.config_file = invocation.values[OPTION_CONFIG] != NULL ? invocation.values[OPTION_CONFIG]
	                         : from_environment != NULL               ? from_environment
	                                                                  : DEFAULT_CONFIG;
	rc = line->command->run(&invocation);
	if (fflush(line->out) != 0 && rc == EXIT_GOOD) {
		fputs(PROGRAM ": the output cannot be written\n", line->err);
		rc = EXIT_FAILED;
	}
	return rc;
}

/* ---- finding the command ---- */

static bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* Takes the next word off the line and finds it among commands. */
static int run_word(struct command_line *line, const struct command *commands)
{
	const char *word = line->argc > 1 ? line->argv[1] : NULL;

	if (word == NULL || asks_for_help(word)) {
		help_overview(word == NULL ? line->err : line->out, line->path, commands);
		return word == NULL ? EXIT_USAGE : EXIT_GOOD;
	}
	if (strcmp(word, "--version") == 0)
		word = "version";
	line->argc--;
	line->argv++;
	for (const struct command *command = commands; command->name != NULL; command++) {
		if (strcmp(command->name, word) != 0)
			continue;
		if (command->subcommands != NULL) {
			strcat(line->path, " ");
			strcat(line->path, command->name);
			return run_word(line, command->subcommands);
		}
		line->command = command;
		return run_command(line);
	}
	return complain(line, word[0] == '-' ? "unknown option" : "unknown command", word);
}

int cli_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct command_line line = {.path = PROGRAM, .argc = argc, .argv = argv, .out = out, .err = err};

	return run_word(&line, cli_commands);
}
