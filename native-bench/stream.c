/* How many frames of one size go one way over loopback: written one by one, read in pieces of
 * 64 KiB, as libuv does it. */
#include "bench.h"
#include "loopback.h"

#include <stdlib.h>
#include <unistd.h>

static const size_t piece_bytes = 65536;

/* Reads until the other side has said all that it has to say, then answers with one byte. */
static void swallow(int connection, void *context) {
  (void)context;
  char *piece = page_memory(piece_bytes);
  ssize_t length;
  do {
    length = read(connection, piece, piece_bytes);
    if (length < 0) fail("read");
  } while (length > 0 && piece[length - 1] != '\n');
  if (length > 0) write_all(connection, "\n", 1);
}

int main(int count, char **words) {
  static const size_t sizes[] = {16384, 262144};
  struct arguments arguments = read_arguments(count, words, sizes, sizeof sizes / sizeof *sizes);
  for (size_t at = 0; at < arguments.count; at += 1) {
    size_t bytes = arguments.bytes[at];
    char *frame = calloc(1, bytes);
    if (frame == NULL) fail("calloc");
    int connection = connect_peer(swallow, NULL);
    double cpu_start = cpu_seconds();
    double start = now_seconds();
    double frames = 0;
    do {
      write_all(connection, frame, bytes);
      frames += 1;
    } while (now_seconds() - start < arguments.seconds);
    char answer = '\n';
    write_all(connection, &answer, 1);
    if (!read_all(connection, &answer, 1)) exit(1);
    double elapsed = now_seconds() - start;
    double cpu = cpu_seconds() - cpu_start + disconnect_peer(connection);
    begin_point("stream");
    setting_number("bytes", bytes);
    begin_figures();
    figure("rate", frames / elapsed);
    figure("mbps", frames * (double)bytes / elapsed / 1e6);
    /* Of both sides. */
    figure("cpuus", cpu * 1e6 / frames);
    end_point(NULL);
    free(frame);
  }
  return 0;
}
