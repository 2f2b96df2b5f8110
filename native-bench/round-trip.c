/* How long a message and its answer of the same size take between two processes over loopback. */
#include "bench.h"
#include "loopback.h"

#include <stdlib.h>

struct exchange {
  int connection;
  void *buffer;
  size_t bytes;
};

static void exchange_once(void *context) {
  struct exchange *exchange = context;
  write_all(exchange->connection, exchange->buffer, exchange->bytes);
  if (!read_all(exchange->connection, exchange->buffer, exchange->bytes)) exit(1);
}

static void echo(int connection, void *context) {
  struct exchange *exchange = context;
  while (read_all(connection, exchange->buffer, exchange->bytes)) {
    write_all(connection, exchange->buffer, exchange->bytes);
  }
}

int main(int count, char **words) {
  static const size_t sizes[] = {64, 1024};
  struct arguments arguments = read_arguments(count, words, sizes, sizeof sizes / sizeof *sizes);
  for (size_t at = 0; at < arguments.count; at += 1) {
    size_t bytes = arguments.bytes[at];
    struct exchange exchange = {.buffer = page_memory(bytes), .bytes = bytes};
    exchange.connection = connect_peer(echo, &exchange);
    struct timing timing = time_each(arguments.seconds, exchange_once, &exchange);
    disconnect_peer(exchange.connection);
    begin_point("roundTrip");
    setting_number("bytes", bytes);
    begin_figures();
    timing_figures(timing, 0);
    end_point(NULL);
    free(exchange.buffer);
  }
  return 0;
}
