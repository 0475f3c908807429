/* Out of memory on demand, for LD_PRELOAD: allocations that the program or one of its libraries asks for can fail.
 *
 * FAIL_AT=K          the K-th of them fails
 * FAIL_ONE_IN=N      each fails with a chance of one in N; FAIL_SEED=S chooses which
 * FAIL_PLACES=FILE   none fails: the number of each that comes by a way through the code that none before it came by is
 *                    written to the file, and at the end the count of all
 * FAIL_EXCEPT=A:B    not those that shared objects with these words in their names ask for
 *
 * An allocation is by whoever called malloc. Those of libc, of the dynamic linker and of cmocka itself never fail and
 * do not count: cmocka dies of its own, which says nothing. strdup and the like are libc's, but are counted as their
 * caller's. A failing one is shown on standard error with the calls that led to it.
 *
 * Syncs do nothing, for a test runs hundreds of times. A cmocka test that fails ends its program with STATUS_FAILED
 * (set CMOCKA_TEST_ABORT=1): to go on after the jump out of the test's middle would prove nothing. Signals that cmocka
 * would take for a failed test end the program, too. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STATUS_FAILED 77
#define OBJECTS_MAX   128
#define PLACES_MAX    (1 << 16)
#define DEPTH         6 /* calls that tell one way through the code from another */
#define SHOWN         24

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

struct object {
	uintptr_t begin, end;
	bool counted, is_cmocka;
};

static struct object objects[OBJECTS_MAX];
static size_t object_count;
static unsigned long fail_at, one_in, seed;
static int places = -1;
static atomic_ulong count;
static atomic_flag places_lock = ATOMIC_FLAG_INIT;
static uint64_t seen[PLACES_MAX];
static bool ready;
static _Thread_local bool inside;
static __typeof__(signal) *next_signal;

static bool has_word(const char *name, const char *words)
{
	size_t length;

	for (; words != NULL && *words != '\0'; words += length + (words[length] == ':')) {
		length = strcspn(words, ":");
		if (length > 0 && memmem(name, strlen(name), words, length) != NULL)
			return true;
	}
	return false;
}

static int note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = info->dlpi_name;
	bool counted = !has_word(name, "/libc.so:/ld-linux:vdso:libcmocka:libfailing_malloc:libgcc_s") &&
	               !has_word(name, getenv("FAIL_EXCEPT"));

	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum && object_count < OBJECTS_MAX; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0)
			continue;
		objects[object_count++] = (struct object){
		    .begin = info->dlpi_addr + header->p_vaddr,
		    .end = info->dlpi_addr + header->p_vaddr + header->p_memsz,
		    .counted = counted,
		    .is_cmocka = has_word(name, "libcmocka"),
		};
	}
	return 0;
}

static const struct object *object_of(const void *caller)
{
	const uintptr_t at = (uintptr_t)caller;

	for (size_t i = 0; i < object_count; i++)
		if (at >= objects[i].begin && at < objects[i].end)
			return &objects[i];
	return NULL;
}

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

/* Where the program crashed; then it does. */
static void on_crash(int number_of_it)
{
	void *calls[SHOWN];

	inside = true;
	(void)!write(STDERR_FILENO, "crashed:\n", 9);
	backtrace_symbols_fd(calls, backtrace(calls, SHOWN), STDERR_FILENO);
	sigaction(number_of_it, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	raise(number_of_it);
}

static void watch_crashes(void)
{
	static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		sigaction(crashes[i], &(struct sigaction){.sa_handler = on_crash}, NULL);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAIL_PLACES");
	void *warm[1];

	dl_iterate_phdr(note_object, NULL);
	fail_at = number("FAIL_AT");
	one_in = number("FAIL_ONE_IN");
	seed = number("FAIL_SEED");
	if (path != NULL)
		places = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	next_signal = (__typeof__(signal) *)dlsym(RTLD_NEXT, "signal");
	backtrace(warm, 1);     /* what it loads, it loads now */
	unsetenv("LD_PRELOAD"); /* not for the programs that this one runs */
	watch_crashes();
	ready = true;
}

__attribute__((destructor)) static void end(void)
{
	if (places >= 0)
		dprintf(places, "all %lu\n", atomic_load(&count));
}

/* ---- which ---- */

static uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

static void note_place(unsigned long k)
{
	void *calls[DEPTH + 3];
	int depth = backtrace(calls, DEPTH + 3);
	uint64_t hash = 0;
	size_t slot;

	for (int i = 3; i < depth; i++)
		hash = mix(hash ^ (uintptr_t)calls[i]);
	hash |= 1;
	while (atomic_flag_test_and_set(&places_lock)) {
	}
	for (slot = hash % PLACES_MAX; seen[slot] != 0 && seen[slot] != hash; slot = (slot + 1) % PLACES_MAX) {
	}
	if (seen[slot] == 0) {
		seen[slot] = hash;
		dprintf(places, "%lu\n", k);
	}
	atomic_flag_clear(&places_lock);
}

static void show(unsigned long k)
{
	void *calls[SHOWN];
	char line[64];
	int length = snprintf(line, sizeof(line), "allocation %lu fails:\n", k);

	if (one_in > 0)
		return; /* there will be many */
	(void)!write(STDERR_FILENO, line, (size_t)length);
	backtrace_symbols_fd(calls, backtrace(calls, SHOWN), STDERR_FILENO);
}

__attribute__((noinline)) static bool fails(const void *caller)
{
	const struct object *object;
	unsigned long k;
	bool failing = false;

	if (!ready || inside)
		return false;
	object = object_of(caller);
	if (object == NULL || !object->counted)
		return false;
	inside = true;
	k = atomic_fetch_add(&count, 1) + 1;
	if (places >= 0)
		note_place(k);
	else
		failing = k == fail_at || (one_in > 0 && mix(mix(seed) ^ k) % one_in == 0);
	if (failing)
		show(k);
	inside = false;
	if (failing)
		errno = ENOMEM;
	return failing;
}

/* ---- in the place of libc's ---- */

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
	return fails(CALLER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t items, size_t size)
{
	return fails(CALLER) ? NULL : __libc_calloc(items, size);
}

/* What shrinks does not fail in practice, but may. */
void *realloc(void *old, size_t size)
{
	return size > 0 && fails(CALLER) ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t items, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(items, size, &bytes) || fails(CALLER)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(old, bytes);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = fails(CALLER) ? NULL : __libc_memalign(alignment, size);

	if (block == NULL)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails(CALLER) ? NULL : __libc_memalign(alignment, size);
}

char *strndup(const char *text, size_t most)
{
	const size_t length = strnlen(text, most);
	char *copy = fails(CALLER) ? NULL : __libc_malloc(length + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *strdup(const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy = fails(CALLER) ? NULL : __libc_malloc(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* ---- syncs ---- */

/* LMDB opens its file a second time so that what it writes is on the disk at once. */
int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list arguments;

	if ((flags & O_CREAT) != 0) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return openat(AT_FDCWD, path, flags & ~(O_SYNC | O_DSYNC), mode);
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int msync(void *begin_of_it, size_t length, int flags)
{
	(void)begin_of_it;
	(void)length;
	(void)flags;
	return 0;
}

/* ---- cmocka ---- */

static bool is_cmocka(const void *caller)
{
	const struct object *object = object_of(caller);

	return object != NULL && object->is_cmocka;
}

void abort(void)
{
	if (is_cmocka(CALLER))
		_exit(STATUS_FAILED);
	raise(SIGABRT);
	/* cppcheck-suppress unreachableCode; raise comes back when the signal is held */
	_exit(128 + SIGABRT);
}

__sighandler_t signal(int number_of_it, __sighandler_t handler)
{
	return is_cmocka(CALLER) ? SIG_DFL : next_signal(number_of_it, handler);
}
