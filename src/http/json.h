/* JSON bodies: an object whose names are mapped to those of the form. */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "http/body.h"

/* As body_parse, for application/json. */
int json_parse(const char *bytes, size_t length, struct arena *arena, struct body *body, struct error *error);

#endif
