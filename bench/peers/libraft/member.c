/*
 * One member of a group of the C raft library, with its own disk and network backend, and the load
 * beside the leader. Told what to do by lines on its standard input, answers with a JSON object a
 * line.
 *
 *   member ID DIR VALUE_BYTES ADDRESS ADDRESS ADDRESS
 *
 * {"leads":N} comes when the leader is known: 1 in its own process, 0 in the others. Then the line
 * `run OUTSTANDING WARM_UP_MS MEASURE_MS` begins the load, where OUTSTANDING is not 0, and the
 * figures of the measured time come at its end. The end of standard input ends the process.
 */
#include <raft.h>
#include <raft/uv.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

enum {
  MEMBERS = 3,
  /* Commands of one call: a batch is one message to each member, however long it is, and short
   * ones in flight side by side are slower than one long one. */
  BATCH_COMMANDS = 1024,
  BATCHES_MAX = 64,
  /* Latencies kept, of one batch each; later ones are left out. */
  SAMPLES_MAX = 1 << 20,
  /* One process is to lead: the others give it time to be elected. */
  FIRST_ELECTION_MS = 300,
  ELECTION_MS = 3000,
  LEADER_POLL_MS = 20,
  CONNECT_RETRY_MS = 50,
  /* By default a snapshot is written every 1,024 entries, many times a second at these rates. As
   * rare as here it costs nothing, and still bounds the log that the library keeps in memory. */
  SNAPSHOT_THRESHOLD = 1 << 20,
  SNAPSHOT_TRAILING = 1 << 17,
};

/* Commands handed in by one call. */
struct batch {
  struct raft_apply request;
  unsigned commands;
  unsigned unapplied;
  uint64_t startNs;
};

static struct {
  uv_loop_t loop;
  struct raft_uv_transport transport;
  struct raft_io io;
  struct raft_fsm machine;
  struct raft raft;
  raft_id id;
  size_t valueBytes;

  /* The library's own, wrapped: it passes the same callback each time. */
  int (*connect)(struct raft_uv_transport *transport, struct raft_uv_connect *request, raft_id id,
                 const char *address, raft_uv_connect_cb connected);
  raft_uv_connect_cb connected;

  uv_timer_t leaderPoll;
  uv_pipe_t input;
  char line[256];
  size_t lineLength;

  /* The load. Batches are applied in the order of their calls, so they take turns as in a ring. */
  struct batch batches[BATCHES_MAX];
  unsigned batchCount;
  unsigned oldest;
  unsigned toSubmit;
  unsigned next;
  struct raft_buffer *values;
  uv_check_t submit;

  uv_timer_t begin;
  uv_timer_t end;
  uint64_t measureMs;
  int measuring;
  uint64_t beginNs;
  uint64_t beginCpuUs;
  uint64_t acknowledged;
  double *latenciesUs;
  size_t samples;
} member;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  char text[512];
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *at = text; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\' || *at < ' ') *at = '\'';
  }
  printf("{\"failed\":\"%s\"}\n", text);
  fflush(stdout);
  exit(1);
}

static void check(int code, const char *what) {
  if (code != 0) fail("%s: %s (%s)", what, raft_strerror(code), raft_errmsg(&member.raft));
}

static void checkUv(int code, const char *what) {
  if (code != 0) fail("%s: %s", what, uv_strerror(code));
}

static void *allocate(size_t bytes) {
  void *memory = raft_malloc(bytes);
  if (memory == NULL) fail("out of memory");
  return memory;
}

static uint64_t cpuUs(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* An entry is acknowledged when the leader applies it: a batch's own callback comes with its first. */
static int apply(struct raft_fsm *machine, const struct raft_buffer *value, void **result) {
  (void)machine;
  (void)value;
  *result = NULL;
  struct batch *batch = &member.batches[member.oldest];
  if (member.batchCount == 0 || batch->unapplied == 0) return 0;
  batch->unapplied -= 1;
  if (member.measuring) member.acknowledged += 1;
  if (batch->unapplied > 0) return 0;
  if (member.measuring && member.samples < SAMPLES_MAX) {
    member.latenciesUs[member.samples] = (double)(uv_hrtime() - batch->startNs) / 1e3;
    member.samples += 1;
  }
  member.oldest = (member.oldest + 1) % member.batchCount;
  member.toSubmit += 1;
  return 0;
}

static int takeSnapshot(struct raft_fsm *machine, struct raft_buffer *buffers[], unsigned *count) {
  (void)machine;
  *count = 1;
  *buffers = allocate(sizeof **buffers);
  (*buffers)->len = 8;
  (*buffers)->base = allocate(8);
  memset((*buffers)->base, 0, 8);
  return 0;
}

static int restoreSnapshot(struct raft_fsm *machine, struct raft_buffer *buffer) {
  (void)machine;
  raft_free(buffer->base);
  return 0;
}

static void onBatch(struct raft_apply *request, int status, void *result) {
  (void)request;
  (void)result;
  check(status, "a command failed");
}

static void submitBatch(struct batch *batch) {
  for (unsigned at = 0; at < batch->commands; at++) {
    /* The library frees each value by itself. */
    member.values[at].base = allocate(member.valueBytes);
    member.values[at].len = member.valueBytes;
    memset(member.values[at].base, 'v', member.valueBytes);
  }
  batch->unapplied = batch->commands;
  batch->startNs = uv_hrtime();
  check(raft_apply(&member.raft, &batch->request, member.values, batch->commands, onBatch),
        "cannot hand in commands");
}

/* After the turn's events: the library must not be called from within `apply`. */
static void onCheck(uv_check_t *handle) {
  (void)handle;
  while (member.toSubmit > 0) {
    struct batch *batch = &member.batches[member.next];
    member.next = (member.next + 1) % member.batchCount;
    member.toSubmit -= 1;
    submitBatch(batch);
  }
}

static void onEnd(uv_timer_t *timer) {
  (void)timer;
  double seconds = (double)(uv_hrtime() - member.beginNs) / 1e9;
  member.measuring = 0;
  printf("{\"acknowledged\":%llu,\"seconds\":%.6f,\"cpuMicros\":%llu,\"latenciesUs\":[",
         (unsigned long long)member.acknowledged, seconds,
         (unsigned long long)(cpuUs() - member.beginCpuUs));
  for (size_t at = 0; at < member.samples; at++) {
    printf(at == 0 ? "%.1f" : ",%.1f", member.latenciesUs[at]);
  }
  printf("]}\n");
  fflush(stdout);
  uv_check_stop(&member.submit);
}

static void onBegin(uv_timer_t *timer) {
  (void)timer;
  member.measuring = 1;
  member.beginNs = uv_hrtime();
  member.beginCpuUs = cpuUs();
  checkUv(uv_timer_start(&member.end, onEnd, member.measureMs, 0), "cannot start a timer");
}

static void run(unsigned outstanding, uint64_t warmUpMs, uint64_t measureMs) {
  member.measureMs = measureMs;
  if (outstanding > 0) {
    member.latenciesUs = allocate(SAMPLES_MAX * sizeof *member.latenciesUs);
    member.batchCount = (outstanding + BATCH_COMMANDS - 1) / BATCH_COMMANDS;
    if (member.batchCount > BATCHES_MAX) member.batchCount = BATCHES_MAX;
    for (unsigned at = 0; at < member.batchCount; at++) {
      unsigned extra = at < outstanding % member.batchCount ? 1 : 0;
      member.batches[at].commands = outstanding / member.batchCount + extra;
    }
    member.values = allocate(member.batches[0].commands * sizeof *member.values);
    member.toSubmit = member.batchCount;
  }
  checkUv(uv_timer_start(&member.begin, onBegin, warmUpMs, 0), "cannot start a timer");
}

static void onLine(const char *line) {
  unsigned outstanding = 0;
  unsigned long warmUpMs = 0;
  unsigned long measureMs = 0;
  if (sscanf(line, "run %u %lu %lu", &outstanding, &warmUpMs, &measureMs) != 3) {
    fail("cannot understand the line %s", line);
  }
  run(outstanding, warmUpMs, measureMs);
}

static void allocateInput(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)handle;
  (void)suggested;
  buffer->base = member.line + member.lineLength;
  buffer->len = sizeof member.line - 1 - member.lineLength;
}

static void onInput(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer) {
  (void)stream;
  (void)buffer;
  if (bytes < 0) exit(0);
  member.lineLength += (size_t)bytes;
  member.line[member.lineLength] = '\0';
  char *end;
  while ((end = strchr(member.line, '\n')) != NULL) {
    *end = '\0';
    onLine(member.line);
    member.lineLength -= (size_t)(end + 1 - member.line);
    memmove(member.line, end + 1, member.lineLength + 1);
  }
}

static void onLeaderPoll(uv_timer_t *timer) {
  raft_id leader = 0;
  const char *address = NULL;
  raft_leader(&member.raft, &leader, &address);
  if (leader == 0) return;
  uv_timer_stop(timer);
  raft_set_election_timeout(&member.raft, ELECTION_MS);
  printf("{\"leads\":%d}\n", leader == member.id ? 1 : 0);
  fflush(stdout);
}

/* The library leaves Nagle's algorithm on, which costs 40 ms whenever two small messages meet. */
static void onConnected(struct raft_uv_connect *request, struct uv_stream_s *stream, int status) {
  if (status == 0) checkUv(uv_tcp_nodelay((uv_tcp_t *)stream, 1), "cannot set TCP_NODELAY");
  member.connected(request, stream, status);
}

static int connectWithoutDelay(struct raft_uv_transport *transport, struct raft_uv_connect *request,
                               raft_id id, const char *address, raft_uv_connect_cb connected) {
  member.connected = connected;
  return member.connect(transport, request, id, address, onConnected);
}

static void startRaft(const char *dir, char *const addresses[MEMBERS]) {
  const char *own = addresses[member.id - 1];
  check(raft_uv_tcp_init(&member.transport, &member.loop), "cannot prepare the network");
  member.connect = member.transport.connect;
  member.transport.connect = connectWithoutDelay;
  check(raft_uv_init(&member.io, &member.loop, dir, &member.transport), "cannot use the directory");
  raft_uv_set_connect_retry_delay(&member.io, CONNECT_RETRY_MS);
  member.machine.version = 1;
  member.machine.apply = apply;
  member.machine.snapshot = takeSnapshot;
  member.machine.restore = restoreSnapshot;
  check(raft_init(&member.raft, &member.io, &member.machine, member.id, own), "cannot begin");

  struct raft_configuration configuration;
  raft_configuration_init(&configuration);
  for (unsigned at = 0; at < MEMBERS; at++) {
    check(raft_configuration_add(&configuration, at + 1, addresses[at], RAFT_VOTER),
          "cannot add a member");
  }
  check(raft_bootstrap(&member.raft, &configuration), "cannot write the first entry");
  raft_configuration_close(&configuration);

  raft_set_snapshot_threshold(&member.raft, SNAPSHOT_THRESHOLD);
  raft_set_snapshot_trailing(&member.raft, SNAPSHOT_TRAILING);
  raft_set_pre_vote(&member.raft, true);
  raft_set_election_timeout(&member.raft, member.id == 1 ? FIRST_ELECTION_MS : ELECTION_MS);
  check(raft_start(&member.raft), "cannot start");
}

int main(int count, char *arguments[]) {
  if (count != 4 + MEMBERS) {
    fprintf(stderr, "usage: member ID DIR VALUE_BYTES ADDRESS ADDRESS ADDRESS\n");
    return 2;
  }
  member.id = strtoull(arguments[1], NULL, 10);
  if (member.id < 1 || member.id > MEMBERS) fail("ID must be from 1 to %d", MEMBERS);
  /* The library takes entries of whole words only. */
  member.valueBytes = (strtoul(arguments[3], NULL, 10) + 7) / 8 * 8;

  checkUv(uv_loop_init(&member.loop), "cannot make the loop");
  startRaft(arguments[2], arguments + 4);
  uv_check_init(&member.loop, &member.submit);
  uv_check_start(&member.submit, onCheck);
  uv_timer_init(&member.loop, &member.begin);
  uv_timer_init(&member.loop, &member.end);
  uv_timer_init(&member.loop, &member.leaderPoll);
  uv_timer_start(&member.leaderPoll, onLeaderPoll, LEADER_POLL_MS, LEADER_POLL_MS);
  checkUv(uv_pipe_init(&member.loop, &member.input, 0), "cannot read standard input");
  checkUv(uv_pipe_open(&member.input, STDIN_FILENO), "cannot read standard input");
  checkUv(uv_read_start((uv_stream_t *)&member.input, allocateInput, onInput),
          "cannot read standard input");
  uv_run(&member.loop, UV_RUN_DEFAULT);
  return 0;
}
