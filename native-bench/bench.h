/* What the programs share: arguments, the clock, latencies and the line that tells of a point. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* PROGRAM DIRECTORY SECONDS [BYTES ...] */
struct arguments {
  /* On the disk to be measured. */
  const char *directory;
  /* For each point. */
  double seconds;
  /* Sizes of what is written or sent; the program's own where none were given. */
  const size_t *bytes;
  size_t count;
};

/* What one operation took, again and again. */
struct timing {
  double per_second;
  double p50_us;
  double p99_us;
  /* CPU time of this process for one operation. */
  double cpu_us;
};

struct arguments read_arguments(int count, char **words, const size_t *sizes, size_t size_count);

/* Of a clock that only goes forward. */
double now_seconds(void);
/* CPU time of this process so far. */
double cpu_seconds(void);

/* Runs one operation after another for that long, at least once. */
struct timing time_each(double seconds, void (*operation)(void *), void *context);

/* Memory for whole pages, filled with something that does not compress to nothing. */
void *page_memory(size_t bytes);

/* Makes the compiler believe that memory is read and written here. */
static inline void touch(void *memory) { __asm__ volatile("" : : "r"(memory) : "memory"); }

/* One line of JSON a point: begin_point, its settings, begin_figures, its figures, end_point. */
void begin_point(const char *floor);
void setting_text(const char *name, const char *value);
void setting_number(const char *name, size_t value);
void begin_figures(void);
void figure(const char *name, double value);
/* `remark` says what a reader must know, or is NULL. */
void end_point(const char *remark);

/* The figures of a timing; with the rate in MB/s where an operation moves bytes. */
void timing_figures(struct timing timing, size_t bytes);

/* Ends the program with a message of `errno`. */
_Noreturn void fail(const char *what);

#endif
