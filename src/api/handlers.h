/* The endpoints, a file for each path below a service; src/api/routes.c says which row leads to which. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "http/http.h"

/* The table of routes; ends with a NULL method. */
extern const struct http_route api_routes[];

/* Each is an http_handler whose arg is the exchange_tools. */
void handle_plans(void *arg, struct http_request *http);
void handle_create(void *arg, struct http_request *http);
void handle_info(void *arg, struct http_request *http);
void handle_update(void *arg, struct http_request *http);
void handle_remove(void *arg, struct http_request *http);
void handle_status(void *arg, struct http_request *http);
void handle_bind_app(void *arg, struct http_request *http);
void handle_unbind_app(void *arg, struct http_request *http);
void handle_bind(void *arg, struct http_request *http);
void handle_unbind(void *arg, struct http_request *http);
void handle_bind_job(void *arg, struct http_request *http);
void handle_unbind_job(void *arg, struct http_request *http);
void handle_binds(void *arg, struct http_request *http);
void handle_operations(void *arg, struct http_request *http);
void handle_retry(void *arg, struct http_request *http);
void handle_rotate(void *arg, struct http_request *http);
void handle_act(void *arg, struct http_request *http);

#endif
