/* Two processes and one TCP connection over 127.0.0.1 between them, without Nagle's delay. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

/* Runs `peer` in a process of its own, which ends with it. Returns this side of the connection. */
int connect_peer(void (*peer)(int connection, void *context), void *context);

/* Closes the connection, at whose end the peer returns, and waits for it. Returns the CPU time
 * that the peer took, in seconds. */
double disconnect_peer(int connection);

/* False where the other side has closed. */
bool read_all(int connection, void *buffer, size_t bytes);
void write_all(int connection, const void *buffer, size_t bytes);

#endif
