/* What can be seen: of an instance, of all that is kept, and as figures. All of it is read from the store and from
 * memory, so it is answered at once and waits for no server. What operators list stands in view/list.h. */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include "upkeep/upkeep.h"

/* All is borrowed, and set before the first is shown. */
struct view {
	struct catalog *catalog;
	struct queue *queue;
	struct watch *watch;
	const struct upkeep *upkeep;
	const struct measures *measures;
};

enum status_kind {
	STATUS_UP,
	STATUS_PENDING,
	STATUS_DOWN, /* text says why */
	STATUS_TEXT, /* up, with a text worth showing */
};

struct status {
	enum status_kind kind;
	char text[ERROR_TEXT_MAX];
};

int view_status(const struct view *view, const struct service *service, const char *instance, struct status *ret_status,
                struct error *error);

/* Info, binds and operations as JSON appended to ret_json: [{"label","value"}...], [{...}...], [{...}...]. */
int view_describe(const struct view *view, const struct service *service, const char *instance, struct text *ret_json,
                  struct error *error);
int view_list_binds(const struct view *view, const struct service *service, const char *instance, struct text *ret_json,
                    struct error *error);
int view_list_operations(const struct view *view, const struct service *service, const char *instance,
                         struct text *ret_json, struct error *error);

/* Looks up the measures of the queue, the servers, the drift, logins and the store. arg: the view. */
void view_collect(void *arg);

#endif
