/* For whom a proxy sends a request: X-Forwarded-For and Forwarded (RFC 7239). */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/network.h"
#include "http/head.h"
#include "http/http.h"

/* The client of a request that came from proxy, which is trusted: the rightmost address that is none of a trusted
 * proxy. The headers' begin is whatever the client sent, so no more than that is believed; where all are proxies, it is
 * the first of them. False, and *ret_client stays, when the headers name nobody, or two different ones: a proxy writes
 * one header and passes the other one on as it came. */
bool forwarded_client(const struct head *head, const struct http_proxies *proxies, struct network_address *ret_client);

/* The address of "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80", blanks around it
 * left aside. False for anything else. */
bool forwarded_node(const char *begin, const char *end, struct network_address *ret_address);

#endif
