/* Runs of programs. The input is a file in memory, so that nobody has to feed the program; output and messages are
 * pipes. A run ends with its program and not with its pipes: what the program leaves behind may hold these open, and is
 * killed. */
#include "process.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

#define READ_MAX (16 * 1024)
#define PIPE_MAX (1024 * 1024) /* what a pipe can hold when its program asks for more than the usual 64 KiB */

/* Our end of a pipe. */
struct stream {
	struct process *process;
	struct event *on_readable;
	int fd; /* -1: closed */
	void (*add)(struct process *process, const char *bytes, size_t length);
};

struct process {
	LIST_ENTRY(process) entry;
	pid_t pid;
	int pidfd;
	struct event *on_exit;
	struct stream output, messages;
	struct text answer; /* what came from output */
	char tail[PROCESS_MESSAGES_MAX];
	size_t tail_length;
	bool flooded;
	void (*on_end)(void *arg, const struct process_end *end); /* NULL: given up */
	void *arg;
};

static void close_file(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- what it writes ---- */

static void kill_group(const struct process *process)
{
	(void)kill(-process->pid, SIGKILL);
}

static void add_output(struct process *process, const char *bytes, size_t length)
{
	if (process->flooded)
		return;
	text_add_bytes(&process->answer, bytes, length);
	process->flooded = process->answer.failed;
	if (process->flooded)
		kill_group(process);
}

static void add_messages(struct process *process, const char *bytes, size_t length)
{
	size_t excess;

	if (length > sizeof(process->tail)) {
		bytes += length - sizeof(process->tail);
		length = sizeof(process->tail);
	}
	excess = process->tail_length + length > sizeof(process->tail)
	             ? process->tail_length + length - sizeof(process->tail)
	             : 0;
	memmove(process->tail, process->tail + excess, process->tail_length - excess);
	memcpy(process->tail + process->tail_length - excess, bytes, length);
	process->tail_length += length - excess;
}

/* The count of bytes, 0 when none are there now, -1 at the end. */
static ssize_t read_some(struct stream *stream)
{
	char bytes[READ_MAX];
	ssize_t length = read(stream->fd, bytes, sizeof(bytes));

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (length == 0)
		return -1;
	stream->add(stream->process, bytes, (size_t)length);
	secret_wipe(bytes, (size_t)length);
	return length;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *stream = arg;

	(void)fd;
	(void)what;
	if (read_some(stream) < 0)
		event_del(stream->on_readable);
}

/* What an ended program wrote is all in the pipe; whoever else writes there is not waited for. */
static void drain(struct stream *stream)
{
	for (size_t total = 0; total < PIPE_MAX;) {
		ssize_t length = read_some(stream);

		if (length <= 0)
			return;
		total += (size_t)length;
	}
}

static void close_stream(struct stream *stream)
{
	if (stream->on_readable != NULL)
		event_free(stream->on_readable);
	stream->on_readable = NULL;
	close_file(&stream->fd);
}

/* ---- its end ---- */

static void free_process(struct process *process)
{
	close_stream(&process->output);
	close_stream(&process->messages);
	if (process->on_exit != NULL)
		event_free(process->on_exit);
	close_file(&process->pidfd);
	text_wipe(&process->answer);
	secret_wipe(process->tail, process->tail_length);
	free(process);
}

/* As the first process of a container the broker inherits what programs leave behind. Those lead no group: the ones
 * that do are programs of ours. */
static void reap_strays(void)
{
	siginfo_t info = {0};

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
	       getpgid(info.si_pid) != info.si_pid) {
		(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		info.si_pid = 0;
	}
}

static void tell_end(struct process *process, const siginfo_t *info)
{
	const struct process_end end = {
	    .status = info->si_code == CLD_EXITED ? info->si_status : 0,
	    .signal = info->si_code == CLD_EXITED ? 0 : info->si_status,
	    .flooded = process->flooded,
	    .output = text_string(&process->answer),
	    .output_length = process->answer.length,
	    .messages = process->tail,
	    .messages_length = process->tail_length,
	};

	process->on_end(process->arg, &end);
}

/* The group is killed before its leader is reaped: until then nobody else can have its number. */
static void on_exit_ready(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;
	siginfo_t info = {0};

	(void)fd;
	(void)what;
	kill_group(process);
	if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
		return;
	reap_strays();
	if (process->on_end != NULL) {
		drain(&process->output);
		drain(&process->messages);
		tell_end(process, &info);
	}
	LIST_REMOVE(process, entry);
	free_process(process);
}

void process_give_up(struct process *process)
{
	process->on_end = NULL;
	kill_group(process);
	close_stream(&process->output);
	close_stream(&process->messages);
}

void processes_forget(struct processes *list)
{
	struct process *process, *next;

	for (process = LIST_FIRST(list); process != NULL; process = next) {
		next = LIST_NEXT(process, entry);
		assert(process->on_end == NULL);
		LIST_REMOVE(process, entry);
		free_process(process);
	}
}

/* ---- its beginning ---- */

static bool write_all(int fd, const struct text *text)
{
	for (size_t done = 0; done < text->length;) {
		ssize_t length = write(fd, text->bytes + done, text->length - done);

		if (length < 0)
			return false;
		done += (size_t)length;
	}
	return lseek(fd, 0, SEEK_SET) == 0;
}

/* *ret_theirs is what the program gets. */
static bool open_input(const struct text *input, int *ret_theirs)
{
	*ret_theirs = memfd_create("request", MFD_CLOEXEC);
	return *ret_theirs >= 0 && write_all(*ret_theirs, input);
}

static bool open_stream(struct stream *stream, int *ret_theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	stream->fd = ends[0];
	*ret_theirs = ends[1];
	return fcntl(stream->fd, F_SETFL, O_NONBLOCK) == 0;
}

static int spawn(struct process *process, const struct process_options *options, struct error *error)
{
	struct spawn what = options->spawn;
	int rc;

	what.files[0] = what.files[1] = what.files[2] = -1;
	if (open_input(options->input, &what.files[0]) && open_stream(&process->output, &what.files[1]) &&
	    open_stream(&process->messages, &what.files[2]))
		rc = spawn_program(&what, &process->pid, &process->pidfd, error);
	else
		rc = error_set(error, ERR_UNAVAILABLE, "the files for a program cannot be made: %s", strerror(errno));
	for (int i = 0; i < 3; i++)
		close_file(&what.files[i]);
	return rc;
}

static bool watch_file(struct event_base *base, int fd, event_callback_fn on_event, void *arg, struct event **ret_event)
{
	*ret_event = event_new(base, fd, EV_READ | EV_PERSIST, on_event, arg);
	return *ret_event != NULL && event_add(*ret_event, NULL) == 0;
}

static struct process *new_process(const struct process_options *options)
{
	struct process *process = calloc(1, sizeof(*process));

	if (process == NULL)
		return NULL;
	process->pidfd = -1;
	process->output = (struct stream){.process = process, .fd = -1, .add = add_output};
	process->messages = (struct stream){.process = process, .fd = -1, .add = add_messages};
	text_init(&process->answer, options->output_max);
	process->on_end = options->on_end;
	process->arg = options->arg;
	return process;
}

/* A program that cannot be watched is ended, and waited for: it is at the point of dying. */
static int abandon(struct process *process, struct error *error)
{
	siginfo_t info;

	kill_group(process);
	(void)waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED);
	free_process(process);
	return error_no_memory(error);
}

int process_start(const struct process_options *options, struct process **ret_process, struct error *error)
{
	struct process *process = new_process(options);
	int rc;

	if (process == NULL)
		return error_no_memory(error);
	rc = spawn(process, options, error);
	if (rc != 0) {
		free_process(process);
		return rc;
	}
	if (!watch_file(options->base, process->output.fd, on_readable, &process->output,
	                &process->output.on_readable) ||
	    !watch_file(options->base, process->messages.fd, on_readable, &process->messages,
	                &process->messages.on_readable) ||
	    !watch_file(options->base, process->pidfd, on_exit_ready, process, &process->on_exit))
		return abandon(process, error);
	LIST_INSERT_HEAD(options->list, process, entry);
	*ret_process = process;
	return 0;
}
