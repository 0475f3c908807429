/* Lingering close, see linger.h. Failing to linger is no error: the connection is then simply closed. */
#include "http/linger.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct lingerer {
	struct linger_list *list;
	TAILQ_ENTRY(lingerer) link;
	struct event *event;
	struct timer timer;
	int descriptor;
	size_t bytes;
};

static void lingerer_free(struct lingerer *lingerer)
{
	TAILQ_REMOVE(&lingerer->list->all, lingerer, link);
	lingerer->list->count--;
	timer_stop(lingerer->list->timers, &lingerer->timer);
	if (lingerer->event != NULL)
		event_free(lingerer->event);
	if (lingerer->descriptor >= 0)
		close(lingerer->descriptor);
	free(lingerer);
}

static void on_timer(void *arg)
{
	lingerer_free(arg);
}

static void on_readable(int descriptor, short what, void *arg)
{
	struct lingerer *lingerer = arg;
	char bytes[16384];

	(void)what;
	ssize_t count = recv(descriptor, bytes, sizeof(bytes), 0);
	if (count > 0)
		lingerer->bytes += (size_t)count;
	if (count <= 0 || lingerer->bytes > LINGER_BYTES_MAX)
		lingerer_free(lingerer);
}

void linger_init(struct linger_list *list, struct event_base *base, struct timers *timers)
{
	*list = (struct linger_list){.base = base, .timers = timers};
	TAILQ_INIT(&list->all);
}

void linger_start(struct linger_list *list, int descriptor)
{
	struct lingerer *lingerer = list->count < LINGER_MAX ? calloc(1, sizeof(*lingerer)) : NULL;

	if (lingerer == NULL)
		return;
	lingerer->list = list;
	TAILQ_INSERT_TAIL(&list->all, lingerer, link);
	list->count++;
	timer_init(&lingerer->timer, on_timer, lingerer);
	lingerer->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
	if (lingerer->descriptor >= 0)
		lingerer->event =
		    event_new(list->base, lingerer->descriptor, EV_READ | EV_PERSIST, on_readable, lingerer);
	if (lingerer->event == NULL || event_add(lingerer->event, NULL) < 0 ||
	    timer_start(list->timers, &lingerer->timer, LINGER_TIME) < 0)
		lingerer_free(lingerer);
}

bool linger_end_oldest(struct linger_list *list)
{
	struct lingerer *oldest = TAILQ_FIRST(&list->all);

	if (oldest != NULL)
		lingerer_free(oldest);
	return oldest != NULL;
}

void linger_release(struct linger_list *list)
{
	while (linger_end_oldest(list))
		;
}
