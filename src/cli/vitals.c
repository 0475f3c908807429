/* Metrics of the process itself. The names without the broker's prefix are those that every Prometheus client gives for
 * the same things. */
#include "cli/vitals.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define MS 1000.0
#define US 1e6

static const struct metric_family build = {
    .name = "tsuru_broker_build_info", .help = "The version that runs.", .type = METRIC_GAUGE, .labels = {"version"}};
static const struct metric_family stall = {.name = "tsuru_broker_loop_stall_max_seconds",
                                           .help = "The longest turn of the event loop since the start.",
                                           .type = METRIC_GAUGE};
static const struct metric_family stalls = {.name = "tsuru_broker_loop_stalls_total",
                                            .help = "Turns of the event loop that took over 0.1 s.",
                                            .type = METRIC_COUNTER};
static const struct metric_family good = {.name = "tsuru_broker_configuration_good",
                                          .help = "Whether the configuration's file, as it was read last, is in force.",
                                          .type = METRIC_GAUGE};
static const struct metric_family started = {.name = "process_start_time_seconds",
                                             .help = "When the process began, in seconds since 1970.",
                                             .type = METRIC_GAUGE};
static const struct metric_family processor = {.name = "process_cpu_seconds_total",
                                               .help = "Processor time, the user's and the system's.",
                                               .type = METRIC_COUNTER};
static const struct metric_family memory = {
    .name = "process_resident_memory_bytes", .help = "Resident memory.", .type = METRIC_GAUGE};
static const struct metric_family files = {
    .name = "process_open_fds", .help = "Open file descriptors.", .type = METRIC_GAUGE};
static const struct metric_family files_max = {
    .name = "process_max_fds", .help = "The limit on open file descriptors.", .type = METRIC_GAUGE};

static double resident_bytes(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	/* NOLINTNEXTLINE(cert-err34-c): the numbers are the kernel's, and fit */
	if (fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double count_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	double count = -3; /* ".", ".." and the directory's own */

	if (directory == NULL)
		return 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static void collect(void *arg)
{
	struct program *program = arg;
	const struct vitals *vitals = &program->vitals;
	struct rusage usage;
	struct rlimit limit;

	metric_set(vitals->stall, (double)program->pulse.longest / MS, NULL);
	metric_set(vitals->stalls, (double)program->pulse.stalls, NULL);
	metric_set(vitals->good, !program->file_is_bad, NULL);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		metric_set(vitals->processor,
		           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / US,
		           NULL);
	metric_set(vitals->memory, resident_bytes(), NULL);
	metric_set(vitals->files, count_files(), NULL);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		metric_set(vitals->files_max, (double)limit.rlim_cur, NULL);
}

void vitals_open(struct program *program)
{
	struct metrics *metrics = program->metrics;

	metric_set(metrics_add(metrics, &build), 1, (const char *[]){BROKER_VERSION});
	metric_set(metrics_add(metrics, &started), (double)program->started / MS, NULL);
	program->vitals = (struct vitals){
	    .stall = metrics_add(metrics, &stall),
	    .stalls = metrics_add(metrics, &stalls),
	    .good = metrics_add(metrics, &good),
	    .processor = metrics_add(metrics, &processor),
	    .memory = metrics_add(metrics, &memory),
	    .files = metrics_add(metrics, &files),
	    .files_max = metrics_add(metrics, &files_max),
	};
	metrics_on_render(metrics, collect, program);
}
