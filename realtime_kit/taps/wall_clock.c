/* A wall clock that can be stepped under one program, for LD_PRELOAD; built by wall_clock.py.
 *
 * It adds an offset to what the program is told of the wall clock: whole seconds, read each time from a file that is
 * mapped into memory, so that a program that runs sees a step at once. Nothing else changes: monotonic clocks and all
 * that waits (poll, epoll, futexes, timers) stay the system's. A wait for a moment of the wall clock would not notice the
 * step, therefore; none of Pushpin's programs has any. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int clock_function(clockid_t, struct timespec *);

static clock_function *system_clock;
static const volatile int64_t *offset_s; /* null where there is no such file: then the clock is the system's */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("REALTIME_KIT_WALL_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	system_clock = (clock_function *)dlsym(RTLD_NEXT, "clock_gettime");
	if (file >= 0) {
		void *mapped = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
		if (mapped != MAP_FAILED)
			offset_s = mapped;
		close(file);
	}
}

int clock_gettime(clockid_t which, struct timespec *now)
{
	if (!system_clock) /* another library's constructor was first */
		begin();
	int status = system_clock(which, now);
	if (status == 0 && offset_s && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
		now->tv_sec += *offset_s;
	return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;
	int status = clock_gettime(CLOCK_REALTIME, &exact);

	(void)zone;
	if (status == 0) {
		now->tv_sec = exact.tv_sec;
		now->tv_usec = exact.tv_nsec / 1000;
	}
	return status;
}

time_t time(time_t *copy)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (copy)
		*copy = now.tv_sec;
	return now.tv_sec;
}
