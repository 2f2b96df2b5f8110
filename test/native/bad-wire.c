/*
 * A network of bad wires: some network namespaces, each with one interface, and between every two
 * of them a wire in each direction that delays, loses, duplicates, reorders and damages packets.
 *
 *      namespace 1 (10.99.0.1) ── tun ──┐
 *      namespace 2 (10.99.0.2) ── tun ──┼── this process: delays, losses, damage
 *      namespace 3 (10.99.0.3) ── tun ──┘
 *
 * It does in one program what bridges, veth pairs and netem do where a kernel has netem, and one
 * thing more: damage that TCP's checksum does not see, as faulty memory in a switch makes it.
 *
 *      bad-wire <namespaces> <seed>
 *
 * First it prints a path for each namespace, to enter with nsenter. Then it obeys its standard
 * input and ends with it; the namespaces end with the last process in them.
 *
 *      wire <from> <to> <delay µs> <jitter µs> <loss> <double> <late> <broken> <forged>
 *      link <namespace> up|down
 *      count
 *
 * The last five are chances in a million. late: some milliseconds more, behind later packets.
 * broken: a bit is another, which TCP's checksum shows. forged: the same with a checksum to match.
 * "count" prints how many packets met which fate.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NODES_MAX 8
#define PACKET_BYTES 2048
#define UNDER_WAY_MAX 8192
#define MILLION 1000000
#define LATE_US_MAX 20000

struct wire { long delay, jitter, loss, twice, late, broken, forged; };
struct packet { int64_t due; uint64_t order; int to; int length; unsigned char bytes[PACKET_BYTES]; };

static struct wire wires[NODES_MAX][NODES_MAX];
static int tuns[NODES_MAX], spaces[NODES_MAX], nodes;
/* A heap by due time, then by order of arrival. */
static struct packet *heap[UNDER_WAY_MAX];
static int under_way;
static uint64_t arrivals, random_state;
static struct { long passed, lost, doubled, late, broken, forged, overflown; } counts;

static void die(const char *what) {
  fprintf(stderr, "bad-wire: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * (int64_t)MILLION + now.tv_nsec / 1000;
}

/* xorshift64* */
static uint64_t draw(uint64_t below) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (random_state * 0x2545f4914f6cdd1dULL >> 16) % below;
}

static int chance(long in_a_million) { return (long)draw(MILLION) < in_a_million; }

static void set_link(int node, int up) {
  if (setns(spaces[node], CLONE_NEWNET) < 0) die("setns");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq request = {0};
  strcpy(request.ifr_name, "wire");
  request.ifr_flags = up ? IFF_UP | IFF_RUNNING : 0;
  if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) die("SIOCSIFFLAGS");
  close(fd);
}

static void set_address(int fd, unsigned long what, uint32_t address) {
  struct ifreq request = {0};
  strcpy(request.ifr_name, "wire");
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
  memcpy(&request.ifr_addr, &in, sizeof in);
  if (ioctl(fd, what, &request) < 0) die("cannot set an address");
}

static void make_space(int node) {
  if (unshare(CLONE_NEWNET) < 0) die("unshare");
  spaces[node] = open("/proc/self/ns/net", O_RDONLY);
  if (spaces[node] < 0) die("/proc/self/ns/net");
  tuns[node] = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tuns[node] < 0) die("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strcpy(request.ifr_name, "wire");
  if (ioctl(tuns[node], TUNSETIFF, &request) < 0) die("TUNSETIFF");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  set_address(fd, SIOCSIFADDR, 0x0a630001 + node);
  set_address(fd, SIOCSIFNETMASK, 0xffffff00);
  struct ifreq loopback = {.ifr_flags = IFF_UP | IFF_RUNNING};
  strcpy(loopback.ifr_name, "lo");
  if (ioctl(fd, SIOCSIFFLAGS, &loopback) < 0) die("lo");
  close(fd);
  set_link(node, 1);
  printf("/proc/%d/fd/%d\n", getpid(), spaces[node]);
}

static int is_before(const struct packet *a, const struct packet *b) {
  return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void swap(int a, int b) {
  struct packet *kept = heap[a];
  heap[a] = heap[b];
  heap[b] = kept;
}

static void put(struct packet *packet) {
  int at = under_way++;
  heap[at] = packet;
  for (; at > 0 && is_before(heap[at], heap[(at - 1) / 2]); at = (at - 1) / 2) {
    swap(at, (at - 1) / 2);
  }
}

static struct packet *take(void) {
  struct packet *first = heap[0];
  heap[0] = heap[--under_way];
  for (int at = 0;;) {
    int least = at;
    for (int child = 2 * at + 1; child <= 2 * at + 2 && child < under_way; child += 1) {
      if (is_before(heap[child], heap[least])) least = child;
    }
    if (least == at) return first;
    swap(at, least);
    at = least;
  }
}

/* Changes a bit of what TCP carries; packets that carry nothing are left alone. */
static int damage(unsigned char *bytes, int length, int with_checksum) {
  int ip = (bytes[0] & 15) * 4;
  if (bytes[9] != IPPROTO_TCP || length < ip + 20) return 0;
  int tcp = (bytes[ip + 12] >> 4) * 4;
  int first = ip + tcp;
  if (length <= first) return 0;
  int at = first + draw(length - first);
  int pair = ip + ((at - ip) & ~1);
  uint16_t old = bytes[pair] << 8 | (pair + 1 < length ? bytes[pair + 1] : 0);
  bytes[at] ^= 1 << draw(8);
  if (!with_checksum) return 1;
  uint16_t new = bytes[pair] << 8 | (pair + 1 < length ? bytes[pair + 1] : 0);
  /* RFC 1624: the sum without the old pair and with the new one. */
  unsigned char *field = bytes + ip + 16;
  uint32_t sum = (uint16_t)~(field[0] << 8 | field[1]);
  sum += (uint16_t)~old + (uint32_t)new;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  field[0] = (uint16_t)~sum >> 8;
  field[1] = (uint16_t)~sum;
  return 1;
}

static void enqueue(int to, const unsigned char *bytes, int length, int64_t due) {
  if (under_way == UNDER_WAY_MAX) {
    counts.overflown += 1;
    return;
  }
  struct packet *packet = malloc(sizeof *packet);
  packet->due = due;
  packet->order = arrivals++;
  packet->to = to;
  packet->length = length;
  memcpy(packet->bytes, bytes, length);
  put(packet);
}

static void accept_packet(int from, unsigned char *bytes, int length) {
  if (length < 20 || bytes[0] >> 4 != 4) return;
  int to = bytes[19] - 1;
  if (bytes[16] != 10 || bytes[17] != 99 || to < 0 || to >= nodes) return;
  const struct wire *wire = &wires[from][to];
  if (chance(wire->loss)) {
    counts.lost += 1;
    return;
  }
  if (chance(wire->broken)) counts.broken += damage(bytes, length, 0);
  if (chance(wire->forged)) counts.forged += damage(bytes, length, 1);
  int64_t due = now_us() + wire->delay;
  if (wire->jitter > 0) due += draw(wire->jitter);
  if (chance(wire->late)) {
    counts.late += 1;
    due += draw(LATE_US_MAX);
  }
  counts.passed += 1;
  enqueue(to, bytes, length, due);
  if (!chance(wire->twice)) return;
  counts.doubled += 1;
  enqueue(to, bytes, length, due + draw(LATE_US_MAX));
}

static void obey(const char *line) {
  int from, to;
  char state[8];
  struct wire w;
  if (sscanf(line, "wire %d %d %ld %ld %ld %ld %ld %ld %ld", &from, &to, &w.delay, &w.jitter,
             &w.loss, &w.twice, &w.late, &w.broken, &w.forged) == 9 &&
      from >= 1 && from <= nodes && to >= 1 && to <= nodes) {
    wires[from - 1][to - 1] = w;
  } else if (sscanf(line, "link %d %7s", &from, state) == 2 && from >= 1 && from <= nodes) {
    set_link(from - 1, strcmp(state, "up") == 0);
  } else if (strcmp(line, "count") == 0) {
    printf("{\"passed\":%ld,\"lost\":%ld,\"doubled\":%ld,\"late\":%ld,\"broken\":%ld,"
           "\"forged\":%ld,\"overflown\":%ld}\n",
           counts.passed, counts.lost, counts.doubled, counts.late, counts.broken, counts.forged,
           counts.overflown);
  } else {
    fprintf(stderr, "bad-wire: \"%s\" is no command\n", line);
    exit(2);
  }
}

/* Takes whole lines from what has come; returns 0 at the end of input. */
static int read_commands(void) {
  static char text[65536];
  static int length;
  int count = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
  if (count <= 0) return 0;
  length += count;
  char *start = text, *end;
  while ((end = memchr(start, '\n', text + length - start)) != NULL) {
    *end = 0;
    obey(start);
    start = end + 1;
  }
  length -= start - text;
  memmove(text, start, length);
  return 1;
}

static void deliver_due(void) {
  int64_t now = now_us();
  while (under_way > 0 && heap[0]->due <= now) {
    struct packet *packet = take();
    /* An interface that is down, or full, loses the packet. */
    if (write(tuns[packet->to], packet->bytes, packet->length) < 0) counts.lost += 1;
    free(packet);
  }
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  nodes = atoi(arguments[1]);
  if (nodes < 1 || nodes > NODES_MAX) return 2;
  random_state = strtoull(arguments[2], NULL, 10) * 2 + 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int node = 0; node < nodes; node += 1) make_space(node);
  for (;;) {
    struct pollfd waits[NODES_MAX + 1];
    for (int node = 0; node < nodes; node += 1) waits[node] = (struct pollfd){tuns[node], POLLIN, 0};
    waits[nodes] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    struct timespec pause = {1, 0};
    if (under_way > 0) {
      int64_t left = heap[0]->due - now_us();
      if (left < 0) left = 0;
      pause.tv_sec = left / MILLION;
      pause.tv_nsec = left % MILLION * 1000;
    }
    if (ppoll(waits, nodes + 1, &pause, NULL) < 0 && errno != EINTR) die("ppoll");
    for (int node = 0; node < nodes; node += 1) {
      unsigned char bytes[PACKET_BYTES];
      for (int burst = 0; burst < 64 && waits[node].revents & POLLIN; burst += 1) {
        int length = read(tuns[node], bytes, sizeof bytes);
        if (length <= 0) break;
        accept_packet(node, bytes, length);
      }
    }
    deliver_due();
    if (waits[nodes].revents & (POLLIN | POLLHUP) && !read_commands()) return 0;
  }
}
