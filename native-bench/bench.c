#include "bench.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const size_t page_bytes = 4096;

/* Latencies in microseconds, in the order in which they came. */
struct samples {
  float *us;
  size_t count;
  size_t capacity;
};

_Noreturn void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void usage(const char *program, const char *fault) {
  fprintf(stderr, "%s\nusage: %s DIRECTORY SECONDS [BYTES ...]\n", fault, program);
  exit(2);
}

struct arguments read_arguments(int count, char **words, const size_t *sizes, size_t size_count) {
  if (count < 3) usage(words[0], "a directory and a number of seconds are needed");
  char *end;
  double seconds = strtod(words[2], &end);
  if (*end != '\0' || !(seconds > 0 && seconds <= 3600)) {
    usage(words[0], "SECONDS must be a number above 0, up to 3600");
  }
  struct arguments result = {words[1], seconds, sizes, size_count};
  if (count == 3) return result;
  size_t given = (size_t)count - 3;
  size_t *bytes = malloc(given * sizeof *bytes);
  if (bytes == NULL) fail("malloc");
  for (size_t at = 0; at < given; at += 1) {
    unsigned long long value = strtoull(words[at + 3], &end, 10);
    if (*end != '\0' || value < 1 || value > 64ull << 20) {
      usage(words[0], "BYTES must be integers from 1 to 67108864");
    }
    bytes[at] = (size_t)value;
  }
  result.bytes = bytes;
  result.count = given;
  return result;
}

double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void add_sample(struct samples *samples, double us) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity == 0 ? 4096 : samples->capacity * 2;
    samples->us = realloc(samples->us, samples->capacity * sizeof *samples->us);
    if (samples->us == NULL) fail("realloc");
  }
  samples->us[samples->count] = (float)us;
  samples->count += 1;
}

static int compare_floats(const void *left, const void *right) {
  float a = *(const float *)left;
  float b = *(const float *)right;
  return (a > b) - (a < b);
}

struct timing time_each(double seconds, void (*operation)(void *), void *context) {
  struct samples samples = {0};
  double cpu_start = cpu_seconds();
  double start = now_seconds();
  double before = start;
  double elapsed;
  do {
    operation(context);
    double after = now_seconds();
    add_sample(&samples, (after - before) * 1e6);
    before = after;
    elapsed = after - start;
  } while (elapsed < seconds);
  double cpu = cpu_seconds() - cpu_start;
  qsort(samples.us, samples.count, sizeof *samples.us, compare_floats);
  struct timing timing = {
      .per_second = (double)samples.count / elapsed,
      .p50_us = samples.us[samples.count / 2],
      .p99_us = samples.us[samples.count * 99 / 100],
      .cpu_us = cpu * 1e6 / (double)samples.count,
  };
  free(samples.us);
  return timing;
}

void *page_memory(size_t bytes) {
  size_t rounded = (bytes + page_bytes - 1) / page_bytes * page_bytes;
  uint8_t *memory = aligned_alloc(page_bytes, rounded);
  if (memory == NULL) fail("aligned_alloc");
  uint32_t state = 1;
  for (size_t at = 0; at < rounded; at += 1) {
    state = state * 1664525u + 1013904223u;
    memory[at] = (uint8_t)(state >> 24);
  }
  return memory;
}

static bool first_field;

static void field(const char *name) {
  printf("%s\"%s\":", first_field ? "" : ",", name);
  first_field = false;
}

void begin_point(const char *floor) {
  printf("{\"floor\":\"%s\",\"settings\":{", floor);
  first_field = true;
}

void setting_text(const char *name, const char *value) {
  field(name);
  printf("\"%s\"", value);
}

void setting_number(const char *name, size_t value) {
  field(name);
  printf("%zu", value);
}

void begin_figures(void) {
  printf("},\"figures\":{");
  first_field = true;
}

void figure(const char *name, double value) {
  field(name);
  printf("%.6g", value);
}

void end_point(const char *remark) {
  printf("}");
  if (remark != NULL) printf(",\"remark\":\"%s\"", remark);
  printf("}\n");
  /* A reader sees each point when it is measured, and a program whose reader is gone ends here. */
  if (fflush(stdout) != 0) fail("stdout");
}

void timing_figures(struct timing timing, size_t bytes) {
  figure("rate", timing.per_second);
  if (bytes > 0) figure("mbps", timing.per_second * (double)bytes / 1e6);
  figure("p50us", timing.p50_us);
  figure("p99us", timing.p99_us);
  figure("cpuus", timing.cpu_us);
}
