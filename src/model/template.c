/* Templates of environment values. One scanner serves the check, which refuses, and the rendering, which does not. */
#include "model/template.h"

#include <stdbool.h>
#include <string.h>

#define VARIABLE_NAME_MAX 128 /* bytes of an environment variable's name */

/* Of the instance; who is bound, and by whom; how it is reached; where it runs. */
const char *const template_common[] = {"service",
                                       "instance",
                                       "plan",
                                       "team",
                                       "app",
                                       "tsuru_user",
                                       "app_host",
                                       "app_hosts",
                                       "app_internal_hosts",
                                       "pool",
                                       "pool_provisioner",
                                       "cluster",
                                       "cluster_provisioner",
                                       "cluster_addresses",
                                       NULL};

enum piece_kind {
	PIECE_TEXT,     /* stands for itself; of a doubled brace, the one it stands for */
	PIECE_VARIABLE, /* what is between the braces */
	PIECE_BROKEN,   /* a brace without its partner */
};

struct piece {
	enum piece_kind kind;
	const char *bytes;
	size_t length;
};

static struct piece take_brace(const char *at)
{
	const char *end;

	if (at[1] == at[0])
		return (struct piece){PIECE_TEXT, at, 1};
	end = at[0] == '{' ? strpbrk(at + 1, "{}") : NULL;
	if (end == NULL || *end != '}')
		return (struct piece){PIECE_BROKEN, at, 1};
	return (struct piece){PIECE_VARIABLE, at + 1, (size_t)(end - at - 1)};
}

/* The next piece at *at, which moves behind it; false at the end. */
static bool take_piece(const char **at, struct piece *ret_piece)
{
	size_t plain = strcspn(*at, "{}");

	if (**at == '\0')
		return false;
	if (plain > 0) {
		*ret_piece = (struct piece){PIECE_TEXT, *at, plain};
		*at += plain;
		return true;
	}
	*ret_piece = take_brace(*at);
	if (ret_piece->kind == PIECE_BROKEN)
		*at += 1;
	else if (ret_piece->kind == PIECE_TEXT)
		*at += 2;
	else
		*at = ret_piece->bytes + ret_piece->length + 1;
	return true;
}

static bool is_named(const struct piece *piece, const char *name)
{
	return strlen(name) == piece->length && memcmp(name, piece->bytes, piece->length) == 0;
}

static bool is_listed(const struct piece *piece, const char *const *names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		if (is_named(piece, names[i]))
			return true;
	return false;
}

static bool is_name(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char c = bytes[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return length > 0 && length <= VARIABLE_NAME_MAX;
}

static bool is_allowed(const struct piece *piece, const char *const *names, const char *const *more)
{
	if (names == NULL)
		return is_name(piece->bytes, piece->length);
	return is_listed(piece, names) || is_listed(piece, more);
}

static void list_names(const char *const *names, struct text *ret_list)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		text_add_format(ret_list, "%s{%s}", ret_list->length > 0 ? ", " : "", names[i]);
}

static int refuse_variable(const struct piece *piece, const char *const *names, const char *const *more,
                           struct error *error)
{
	struct text list;

	if (names == NULL)
		return error_set(
		    error, ERR_INVALID, "\"{%.*s}\" is no variable: its name is not made of letters, digits and _",
		    piece->length > VARIABLE_NAME_MAX ? VARIABLE_NAME_MAX : (int)piece->length, piece->bytes);
	text_init(&list, ERROR_TEXT_MAX);
	list_names(names, &list);
	list_names(more, &list);
	error_set(error, ERR_INVALID, "the variable \"{%.*s}\" is not known here; allowed are %s",
	          piece->length > VARIABLE_NAME_MAX ? VARIABLE_NAME_MAX : (int)piece->length, piece->bytes,
	          list.length > 0 ? text_string(&list) : "none");
	text_release(&list);
	return ERR_INVALID;
}

int template_check(const char *template, const char *const *names, const char *const *more, struct error *error)
{
	const char *at = template;
	struct piece piece;

	while (take_piece(&at, &piece)) {
		if (piece.kind == PIECE_BROKEN)
			return error_set(error, ERR_INVALID,
			                 "the brace at character %td has no partner; write %c%c for a brace itself",
			                 piece.bytes - template + 1, *piece.bytes, *piece.bytes);
		if (piece.kind == PIECE_VARIABLE && !is_allowed(&piece, names, more))
			return refuse_variable(&piece, names, more, error);
	}
	return 0;
}

static const char *find_value(const struct piece *piece, const struct pair *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_named(piece, values[i].name))
			return values[i].value;
	return NULL;
}

void template_render(const char *template, const struct pair *values, size_t count, struct text *ret_text)
{
	const char *value;
	struct piece piece;

	while (take_piece(&template, &piece)) {
		if (piece.kind != PIECE_VARIABLE) {
			text_add_bytes(ret_text, piece.bytes, piece.length);
			continue;
		}
		value = find_value(&piece, values, count);
		if (value != NULL)
			text_add(ret_text, value);
	}
}

int template_check_name(const char *name, struct error *error)
{
	if (!is_name(name, strlen(name)))
		return error_set(error, ERR_INVALID,
		                 "the variable's name \"%.*s\" is not a letter or _ followed by at most %d letters, "
		                 "digits or _",
		                 VARIABLE_NAME_MAX, name, VARIABLE_NAME_MAX - 1);
	return 0;
}
