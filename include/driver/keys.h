/* Keys that the servers of several drivers have, each in one form. */
#ifndef DRIVER_KEYS_H
#define DRIVER_KEYS_H

#include "config/key.h"

#define SERVER_KEY_PUBLIC_HOST(text)                                                                                   \
	{                                                                                                              \
		.name = "public_host", .max = 255, .help = (text)                                                      \
	}
#define SERVER_KEY_PUBLIC_PORT(text)                                                                                   \
	{                                                                                                              \
		.name = "public_port", .type = KEY_NUMBER, .min = 1, .max = 65535, .help = (text)                      \
	}
#define SERVER_KEY_CONNECTIONS(text)                                                                                   \
	{                                                                                                              \
		.name = "connections", .type = KEY_NUMBER, .fallback = "8", .min = 1, .max = 100, .help = (text)       \
	}
#define SERVER_KEY_CONNECT_TIMEOUT(text)                                                                               \
	{                                                                                                              \
		.name = "connect_timeout", .type = KEY_DURATION, .fallback = "10s", .min = 100, .max = 300000,         \
		.help = (text)                                                                                         \
	}
#define SERVER_KEY_IDLE                                                                                                \
	{                                                                                                              \
		.name = "idle", .type = KEY_DURATION, .fallback = "5m", .min = 1000, .max = 86400000,                  \
		.help = "how long an unused connection is kept"                                                        \
	}

#endif
