/* The walk over a YAML document: mappings are read by tables of keys, and every error is kept with its place. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include <yaml.h>

#include "base/arena.h"
#include "config/config.h"

#define READER_ITEMS_MAX 10000 /* of one sequence or mapping */

struct message {
	struct message *next;
	const char *text;
	size_t line, column;
};

struct reader {
	const char *file;
	struct arena *arena; /* of the result */
	struct arena errors; /* of the messages */
	yaml_document_t document;
	struct message *messages; /* in the order of their lines */
	size_t total;
};

/* A mapping that was read: an option for each key of its tables, and where each stands. */
struct mapping {
	struct options options;
	const int *nodes; /* of the options' values; 0: not in the file */
	int node;
};

/* Parses the file's bytes; false, with an error noted, when they are no YAML document. */
bool reader_parse(struct reader *reader, const unsigned char *bytes, size_t length);

/* Notes an error at a node (0: the file's begin). */
void reader_error(struct reader *reader, int index, const char *format, ...) __attribute__((format(printf, 3, 4)));
void reader_error_at(struct reader *reader, size_t line, size_t column, const char *text);

/* Reads a mapping by one table or, unless more is NULL, by two. Messages call it `what`: "a plan". False, with an error
 * noted, when memory is out: then it has no options. After any other error it has an option for every key. */
bool reader_mapping(struct reader *reader, int index, const char *what, const struct config_key *keys,
                    const struct config_key *more, struct mapping *ret_mapping);
/* The items of a sequence; 0 and an error when it is none. */
size_t reader_sequence(struct reader *reader, int index, const char *what, const yaml_node_item_t **ret_items);

/* value.c: reads one value by its key; false when an error was noted. */
bool value_read(struct reader *reader, int node, const struct config_key *key, struct option *ret_option);
/* The fallback of a key that is not in the file. */
void value_fall_back(const struct config_key *key, struct option *ret_option);

/* check.c: checks for tables. */
int check_listener(const char *name, const char *value, struct error *error);
int check_service_name(const char *name, const char *value, struct error *error);
int check_name(const char *name, const char *value, struct error *error);
int check_postgres_url(const char *name, const char *value, struct error *error);
int check_url(const char *name, const char *value, struct error *error);
int check_origin(const char *name, const char *value, struct error *error);
int check_path(const char *name, const char *value, struct error *error);
int check_proxy(const char *name, const char *value, struct error *error);
int check_password(const char *name, const char *value, struct error *error);
int check_log_format(const char *name, const char *value, struct error *error);
int check_status_code(const char *name, const char *value, struct error *error);
int check_log_level(const char *name, const char *value, struct error *error);
/* Splits an address that check_listener has passed; host is copied to the arena. */
bool split_listener(const char *text, struct arena *arena, struct listener *ret_listener);
/* Whether the value of a check_proxy means those that come by a socket file. */
bool is_socket_proxy(const char *text);

#endif
