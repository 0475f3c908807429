/* What is answered where nothing is served. */
#ifndef API_ASTRAY_H
#define API_ASTRAY_H

#include "http/http.h"

/* An on_missing of http/http.h: ERR_UNAVAILABLE, with a sentence, for what tsuru must not take for "it is gone". */
void astray_explain(const struct http_request *http, struct error *error);

#endif
