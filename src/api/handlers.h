/* The table of routes, and what its rows are made of beside the broker's own verbs and views. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/exchange.h"

/* Ends with a NULL method. */
extern const struct http_route api_routes[];

/* Readers. Plan, team, description, tags and parameters: all of the new state each time, what is absent means none. */
int read_wanted(struct exchange *exchange);
/* The pool and the cluster. */
int read_place(struct exchange *exchange);
/* What is wanted, with the instance's name and place. */
int read_create(struct exchange *exchange);
/* The app of a bind, from app-name or from an old client's app-host. */
int read_app(struct exchange *exchange);
/* tsuru before 1.18 names a unit's host; without one the request is an old client's bind or unbind of an app. */
int read_unit_or_app(struct exchange *exchange);
/* The job that the path names. */
int read_job(struct exchange *exchange);
/* Those of a bind, with where the app or the job runs and how it is reached. An unbind needs nothing of it, and is not
 * refused for it. */
int read_app_to_bind(struct exchange *exchange);
int read_unit_or_app_to_bind(struct exchange *exchange);
int read_job_to_bind(struct exchange *exchange);
/* One app or job, or neither; the fields may stand in the query, too. */
int read_rotate(struct exchange *exchange);
/* An action that the service's operator has declared, with `parameters`. */
int read_action(struct exchange *exchange);

/* tsuru passes everybody who is logged in to it through to what is below, and asks for no permission. */
#define OPEN_TO_USERS "/authenticated-resources"

/* Answers. The plans, from the configuration; asked for without a pool, tsuru asks its user for one. */
void answer_plans(struct exchange *exchange);
/* The same for people, of all pools. */
void answer_all_plans(struct exchange *exchange);
/* tsuru reads the state from the code, and a text only from a 200. */
void answer_status(struct exchange *exchange);
/* An update that says nothing: the instance is looked for, and stays as it is. */
void answer_unchanged(struct exchange *exchange);

#endif
