#include "loopback.h"

#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t peer_process;

static void send_at_once(int connection) {
  int on = 1;
  if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
}

int connect_peer(void (*peer)(int connection, void *context), void *context) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
      listen(listener, 1) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    fail("listen");
  }
  /* Both ends are there before the peer is: it can never wait for one that does not come. */
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, length) != 0) {
    fail("connect");
  }
  int accepted = accept(listener, NULL, NULL);
  if (accepted < 0) fail("accept");
  close(listener);
  send_at_once(connection);
  send_at_once(accepted);
  peer_process = fork();
  if (peer_process < 0) fail("fork");
  if (peer_process == 0) {
    close(connection);
    peer(accepted, context);
    _exit(0);
  }
  close(accepted);
  return connection;
}

double disconnect_peer(int connection) {
  close(connection);
  struct rusage usage;
  int status;
  if (wait4(peer_process, &status, 0, &usage) < 0) fail("wait4");
  if (status != 0) exit(1);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

bool read_all(int connection, void *buffer, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    ssize_t part = read(connection, (char *)buffer + done, bytes - done);
    if (part < 0) fail("read");
    if (part == 0) return false;
    done += (size_t)part;
  }
  return true;
}

void write_all(int connection, const void *buffer, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    ssize_t part = write(connection, (const char *)buffer + done, bytes - done);
    if (part < 0) fail("write");
    done += (size_t)part;
  }
}
