/* The line that each request leaves in the log. */
#ifndef API_ACCESS_H
#define API_ACCESS_H

struct http_request;

/* An on_access of http/http.h; arg is the exchange_tools. */
void access_log(void *arg, const struct http_request *http);

#endif
