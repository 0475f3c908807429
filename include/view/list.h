/* Lists for operators, over everything that is kept: at once, and in bounded parts. */
#ifndef VIEW_LIST_H
#define VIEW_LIST_H

#include "view/view.h"

#define LIST_LIMIT_MAX 1000 /* items of one page */
#define LIST_SCAN_MAX  5000 /* records looked at for one page, so that the loop goes on turning */

/* What a list is to hold; NULL: any. */
struct list_filter {
	const char *service, *name, *team, *state, *server;
	const char *after; /* where the page before ended: its "next"; NULL: from the beginning */
	size_t limit;      /* 1 to LIST_LIMIT_MAX */
};

/* Each appends one JSON object. A page is {"NAME": [...], "next": "..."}; without "next" it is the last one. A page
 * with few or no items and a "next" is not the end. */
int view_list_services(const struct view *view, struct text *ret_json, struct error *error);
int view_list_instances(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                        struct error *error);
/* state: "pending" (what has not finished, oldest first), "failed", "done", "canceled", or NULL for all in the history.
 */
int view_list_all_operations(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                             struct error *error);
/* The audit, the newest first; name is the instance's, state the outcome. */
int view_list_audit(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                    struct error *error);
/* One instance with its binds and its history; ERR_NOT_FOUND. */
int view_show_instance(const struct view *view, const char *incarnation, struct text *ret_json, struct error *error);
/* Every server: [{"service","server","state","reason","warning"}...]. */
void view_list_servers(const struct view *view, struct text *ret_json);
/* Every service that has instances and is not in the configuration: [{"service","instances"}...]. */
void view_list_missing(const struct view *view, struct text *ret_json);

/* What was found: the drift pass's state, instances, what servers have that nobody knows of, and logins that should be
 * dead. */
int view_list_drift(const struct view *view, struct text *ret_json, struct error *error);
/* Logins that should be dead and may live: their unbind or the removal of their instance was accepted and has not
 * ended, or failed for good. */
size_t view_count_lingering(const struct view *view);
/* How the last comparison with tsuru's list went, and what differs. */
int view_list_reconcile(const struct view *view, struct text *ret_json, struct error *error);
/* Members of an object: the same in short. None where nothing is compared. */
void view_show_tsuru(const struct view *view, struct text *ret_json);
/* Who shares the store, as each tells of itself; ERR_NOT_FOUND where nobody does. */
int view_list_replicas(const struct view *view, struct text *ret_json, struct error *error);
/* What is amiss among them: [{"warning","reason"}...]. */
void view_list_warnings(const struct view *view, struct text *ret_json);
/* How far the sealing with another master key is. */
int view_show_rekey(const struct view *view, struct text *ret_json, struct error *error);

#endif
