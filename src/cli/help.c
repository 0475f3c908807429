/* Help, the manual page and the completion, all from the tables of src/cli/commands.c and options.c. */
#include <ctype.h>
#include <string.h>

#include "cli/command.h"

#define PROGRAM   "tsuru-broker"
#define EXIT_TEXT "exit codes: 0 good, 1 failed or the configuration is not good, 2 wrong usage, 3 something is amiss"

static const char description[] = "Services of tsuru on the servers you already run.";

/* Those of the one command that has some. */
static const struct command *find_subcommands(const struct command *commands)
{
	while (commands->subcommands == NULL)
		commands++;
	return commands->subcommands;
}

/* ---- help ---- */

void help_overview(FILE *file, const char *path, const struct command *commands)
{
	fprintf(file, "usage: %s COMMAND [OPTION...]\n\n%s\n\ncommands:\n", path, description);
	for (const struct command *command = commands; command->name != NULL; command++)
		fprintf(file, "  %-11s %s\n", command->name, command->summary);
	fprintf(file, "\n%s COMMAND --help explains a command and its options.\n" EXIT_TEXT "\n", path);
}

/* Prints lines of text, those after the first indented. */
static void print_indented(FILE *file, const char *text, int indent)
{
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
		fprintf(file, "%.*s\n%*s", (int)(end - text), text, indent, "");
	fprintf(file, "%s\n", text);
}

static void print_option(FILE *file, const struct cli_option *option)
{
	char left[40];
	int length =
	    snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", option->letter != 0 ? '-' : ' ',
	             option->letter != 0 ? option->letter : ' ', option->letter != 0 ? ", " : "  ", option->name,
	             option->value != NULL ? " " : "", option->value != NULL ? option->value : "");

	fprintf(file, "%-24s", length > 0 ? left : "");
	print_indented(file, option->help, 24);
}

void help_command(FILE *file, const char *path, const struct command *command)
{
	fprintf(file, "usage: %s %s [OPTION...]%s%s\n\n%s\n", path, command->name, command->operand != NULL ? " " : "",
	        command->operand != NULL ? command->operand : "", command->summary);
	if (command->help[0] != '\0')
		fprintf(file, "\n%s", command->help);
	fputs("\noptions:\n", file);
	for (enum option_id option = 0; option < OPTION_COUNT; option++) {
		if (command_takes(command, option))
			print_option(file, &cli_options[option]);
	}
}

int run_version(const struct invocation *invocation)
{
	fprintf(invocation->out, PROGRAM " %s\n", BROKER_VERSION);
	return EXIT_GOOD;
}

/* ---- the manual page ---- */

/* Text for troff: a line that begins with a dot or a quote would be a request, and a '-' a hyphen. */
static void print_roff(FILE *file, const char *text)
{
	bool begins = true;

	for (const char *c = text; *c != '\0'; c++) {
		if (begins && (*c == '.' || *c == '\''))
			fputs("\\&", file);
		if (*c == '\\')
			fputs("\\e", file);
		else if (*c == '-')
			fputs("\\-", file);
		else
			fputc(*c, file);
		begins = *c == '\n';
	}
	if (!begins)
		fputc('\n', file);
}

static void print_roff_options(FILE *file, const struct command *command)
{
	for (enum option_id id = OPTION_HELP + 1; id < OPTION_COUNT; id++) {
		const struct cli_option *option = &cli_options[id];

		if (!command_takes(command, id))
			continue;
		fputs(".TP\n", file);
		if (option->letter != 0)
			fprintf(file, "\\fB\\-%c\\fR, ", option->letter);
		fprintf(file, "\\fB\\-\\-%s\\fR%s\\fI%s\\fR\n", option->name, option->value != NULL ? " " : "",
		        option->value != NULL ? option->value : "");
		print_roff(file, option->help);
	}
}

static void print_roff_commands(FILE *file, const char *before, const struct command *commands)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		if (command->subcommands != NULL)
			continue;
		fprintf(file, ".SS %s%s %s\n", before, command->name, command->operand != NULL ? command->operand : "");
		fputc((char)toupper((unsigned char)command->summary[0]), file);
		print_roff(file, command->summary + 1);
		fputs(".br\n", file);
		print_roff(file, command->help);
		print_roff_options(file, command);
	}
}

int run_man(const struct invocation *invocation)
{
	FILE *file = invocation->out;

	fprintf(file, ".TH TSURU\\-BROKER 1 \"\" \"" PROGRAM " %s\" \"User Commands\"\n", BROKER_VERSION);
	fputs(".SH NAME\ntsuru\\-broker \\- a service broker for tsuru\n.SH SYNOPSIS\n", file);
	fputs(".B tsuru\\-broker\n\\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIOPERAND\\fR]\n.SH DESCRIPTION\n", file);
	print_roff(file, description);
	fputs(".SH COMMANDS\n", file);
	print_roff_commands(file, "", invocation->commands);
	fputs(".SH OPERATING A RUNNING BROKER\n", file);
	print_roff_commands(file, "ctl ", find_subcommands(invocation->commands));
	fputs(".SH EXIT STATUS\n", file);
	print_roff(file, EXIT_TEXT);
	fputs(".SH FILES\n.TP\n/etc/tsuru\\-broker/broker.yaml\nThe configuration.\n"
	      ".SH ENVIRONMENT\n.TP\nTSURU_BROKER_CONFIG\nThe configuration's path.\n"
	      ".TP\nTSURU_BROKER_PASSWORD\nThe operators' password, for ctl with \\-\\-url.\n"
	      ".TP\nSECRET_KEY\nThe master keys, when no file is configured.\n",
	      file);
	return EXIT_GOOD;
}

/* ---- completion ---- */

static void print_names(FILE *file, const struct command *commands)
{
	for (const struct command *command = commands; command->name != NULL; command++)
		fprintf(file, "%s%s", command == commands ? "" : " ", command->name);
}

static void print_cases(FILE *file, const char *before, const struct command *commands)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		if (command->subcommands != NULL)
			continue;
		fprintf(file, "    \"%s%s\") words=\"", before, command->name);
		for (enum option_id option = 0; option < OPTION_COUNT; option++) {
			if (command_takes(command, option))
				fprintf(file, "%s--%s", option == 0 ? "" : " ", cli_options[option].name);
		}
		fputs("\" ;;\n", file);
	}
}

int run_completion(const struct invocation *invocation)
{
	FILE *file = invocation->out;

	fputs("_tsuru_broker() {\n  local word=${COMP_WORDS[COMP_CWORD]} words=\n"
	      "  local command=${COMP_WORDS[1]} at=1\n"
	      "  [ \"$command\" != ctl ] || { command=\"ctl ${COMP_WORDS[2]}\"; at=2; }\n"
	      "  if [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = --config ] || [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = -c ]; "
	      "then\n"
	      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n    return\n  fi\n"
	      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    words=\"",
	      file);
	print_names(file, invocation->commands);
	fputs("\"\n  elif [ \"$COMP_CWORD\" -eq 2 ] && [ \"$at\" -eq 2 ]; then\n    words=\"", file);
	print_names(file, find_subcommands(invocation->commands));
	fputs("\"\n  else\n    case $command in\n", file);
	print_cases(file, "", invocation->commands);
	print_cases(file, "ctl ", find_subcommands(invocation->commands));
	fputs("    esac\n  fi\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
	      "complete -F _tsuru_broker tsuru-broker\n",
	      file);
	return EXIT_GOOD;
}
