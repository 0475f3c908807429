/* The libyaml walk: documents, mappings and sequences, and the list of errors. */
#include "config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MESSAGE_MAX 1024 /* bytes */

/* ---- errors ---- */

void reader_error_at(struct reader *reader, size_t line, size_t column, const char *text)
{
	struct message **at = &reader->messages;
	struct message *message;

	if (reader->total++ >= CONFIG_ERRORS_MAX)
		return;
	message = arena_alloc(&reader->errors, sizeof(*message));
	if (message == NULL)
		return;
	message->line = line;
	message->column = column;
	message->text = arena_format(&reader->errors, "%s:%zu:%zu: %s", reader->file, line, column, text);
	if (message->text == NULL)
		return;
	while (*at != NULL && ((*at)->line < line || ((*at)->line == line && (*at)->column <= column)))
		at = &(*at)->next;
	message->next = *at;
	*at = message;
}

void reader_error(struct reader *reader, int index, const char *format, ...)
{
	const yaml_node_t *node = index > 0 ? yaml_document_get_node(&reader->document, index) : NULL;
	char text[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	reader_error_at(reader, node != NULL ? node->start_mark.line + 1 : 1,
	                node != NULL ? node->start_mark.column + 1 : 1, text);
}

/* ---- the document ---- */

static void note_parser_error(struct reader *reader, const yaml_parser_t *parser)
{
	char text[MESSAGE_MAX];
	const yaml_mark_t *mark = &parser->problem_mark;

	snprintf(text, sizeof(text), "this is not YAML: %s%s%s",
	         parser->problem != NULL ? parser->problem : "no memory", parser->context != NULL ? " " : "",
	         parser->context != NULL ? parser->context : "");
	reader_error_at(reader, mark->line + 1, mark->column + 1, text);
}

/* A configuration is one document. */
static bool is_last(struct reader *reader, yaml_parser_t *parser)
{
	yaml_document_t next;
	const yaml_node_t *root;
	bool last;

	if (!yaml_parser_load(parser, &next)) {
		note_parser_error(reader, parser);
		return false;
	}
	root = yaml_document_get_root_node(&next);
	last = root == NULL;
	if (!last)
		reader_error_at(reader, root->start_mark.line + 1, root->start_mark.column + 1,
		                "a second document begins here; the configuration is one document");
	yaml_document_delete(&next);
	return last;
}

bool reader_parse(struct reader *reader, const unsigned char *bytes, size_t length)
{
	yaml_parser_t parser;
	bool good;

	if (!yaml_parser_initialize(&parser)) {
		reader_error_at(reader, 1, 1, "the broker is out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, bytes, length);
	good = yaml_parser_load(&parser, &reader->document);
	if (!good)
		note_parser_error(reader, &parser);
	else if (yaml_document_get_root_node(&reader->document) == NULL)
		reader_error_at(reader, 1, 1, "the file is empty; a configuration has at least \"services\"");
	else
		(void)is_last(reader, &parser);
	yaml_parser_delete(&parser);
	return good && reader->total == 0;
}

/* ---- mappings ---- */

static const struct config_key *key_at(const struct config_key *keys, const struct config_key *more, size_t i)
{
	for (; keys != NULL && keys->name != NULL; keys++) {
		if (i-- == 0)
			return keys;
	}
	for (; more != NULL && more->name != NULL; more++) {
		if (i-- == 0)
			return more;
	}
	return NULL;
}

static void note_unknown(struct reader *reader, int node, const char *what, const char *name,
                         const struct config_key *keys, const struct config_key *more)
{
	const struct config_key *key;
	struct text allowed;

	text_init(&allowed, MESSAGE_MAX / 2);
	for (size_t i = 0; (key = key_at(keys, more, i)) != NULL; i++) {
		text_add(&allowed, i > 0 ? ", " : "");
		text_add(&allowed, key->name);
	}
	reader_error(reader, node, "%s has no key \"%.100s\"; allowed are: %s", what, name, text_string(&allowed));
	text_release(&allowed);
}

/* A value that is left out, "~" or "null": as if the key were not there. */
static bool is_null(struct reader *reader, int index)
{
	const yaml_node_t *node = yaml_document_get_node(&reader->document, index);
	const char *text;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = (const char *)node->data.scalar.value;
	return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* Reads one pair; its option must be the first of its name. */
static void read_pair(struct reader *reader, const yaml_node_pair_t *pair, const char *what,
                      const struct config_key *keys, const struct config_key *more, struct option *options, int *nodes)
{
	const yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
	const struct config_key *key;
	const char *text;

	if (name->type != YAML_SCALAR_NODE) {
		reader_error(reader, pair->key, "a key of %s must be a word", what);
		return;
	}
	text = (const char *)name->data.scalar.value;
	for (size_t i = 0; (key = key_at(keys, more, i)) != NULL; i++) {
		if (strcmp(key->name, text) != 0)
			continue;
		if (nodes[i] != 0) {
			reader_error(reader, pair->key, "the key \"%s\" stands here a second time", text);
			return;
		}
		if (is_null(reader, pair->value))
			return;
		nodes[i] = pair->value;
		(void)value_read(reader, pair->value, key, &options[i]);
		return;
	}
	note_unknown(reader, pair->key, what, text, keys, more);
}

static void complete(struct reader *reader, const char *what, const struct config_key *keys,
                     const struct config_key *more, const struct mapping *mapping, bool is_mapping,
                     struct option *options)
{
	const struct config_key *key;

	for (size_t i = 0; (key = key_at(keys, more, i)) != NULL; i++) {
		options[i].key = key;
		if (mapping->nodes[i] != 0)
			continue;
		if (key->required && is_mapping)
			reader_error(reader, mapping->node, "%s must have the key \"%s\": %s", what, key->name,
			             key->help);
		value_fall_back(key, &options[i]);
	}
}

bool reader_mapping(struct reader *reader, int index, const char *what, const struct config_key *keys,
                    const struct config_key *more, struct mapping *ret_mapping)
{
	const yaml_node_t *node = index > 0 ? yaml_document_get_node(&reader->document, index) : NULL;
	struct option *options;
	size_t count = 0;
	int *nodes;

	while (key_at(keys, more, count) != NULL)
		count++;
	options = arena_alloc(reader->arena, count * sizeof(*options));
	nodes = arena_alloc(reader->arena, count * sizeof(*nodes));
	*ret_mapping = (struct mapping){.node = index};
	if (options == NULL || nodes == NULL) {
		reader_error(reader, index, "the broker is out of memory");
		return false;
	}
	*ret_mapping = (struct mapping){{options, count}, nodes, index};
	if (node != NULL && node->type != YAML_MAPPING_NODE) {
		reader_error(reader, index, "%s must be a mapping of keys to values", what);
		node = NULL;
	} else if (node != NULL) {
		for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
		     pair++)
			read_pair(reader, pair, what, keys, more, options, nodes);
	}
	complete(reader, what, keys, more, ret_mapping, node != NULL, options);
	return true;
}

size_t reader_sequence(struct reader *reader, int index, const char *what, const yaml_node_item_t **ret_items)
{
	const yaml_node_t *node = yaml_document_get_node(&reader->document, index);
	size_t count;

	if (node->type != YAML_SEQUENCE_NODE) {
		reader_error(reader, index, "%s must be a list", what);
		return 0;
	}
	count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (count == 0)
		reader_error(reader, index, "%s must not be empty", what);
	if (count > READER_ITEMS_MAX) {
		reader_error(reader, index, "%s has %zu items; %d are allowed", what, count, READER_ITEMS_MAX);
		return 0;
	}
	*ret_items = node->data.sequence.items.start;
	return count;
}
