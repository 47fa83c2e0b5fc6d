/* A broker in the process: it answers on its port until it is stopped. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "gate.h"
#include "support.h"

static const char *const ANY_PORT[] = {"listeners", "127.0.0.1:0", NULL};

static levada_server *start(levada_database *database) {
  levada_server *server = NULL;
  OK(levada_server_start(database, ANY_PORT, &server, &error));
  CHECK(server != NULL);
  return server;
}

static uint16_t port_of(levada_server *server) {
  const char *bootstrap = levada_server_bootstrap(server);
  CHECK(strncmp(bootstrap, "127.0.0.1:", 10) == 0);
  long port = strtol(bootstrap + 10, NULL, 10);
  CHECK(port > 0 && port < 65536);
  return (uint16_t)port;
}

/* A connection, or -1 when nobody listens. */
static int dial(uint16_t port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connection >= 0);
  if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0) return connection;
  CHECK(errno == ECONNREFUSED);
  CHECK(close(connection) == 0);
  return -1;
}

static void read_whole(int connection, uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t count = read(connection, bytes, size);
    CHECK(count > 0);
    bytes += count;
    size -= (size_t)count;
  }
}

static uint32_t number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ApiVersions, version 0: which requests the broker knows, Produce (0) and Fetch (1) among them. */
static void asks_for_versions(int connection) {
  static const uint8_t request[] = {0, 0, 0, 13, 0, 18, 0, 0, 0, 0, 0, 42, 0, 3, 'c', 't', 's'};
  static uint8_t answer[4096];
  int produce = 0, fetch = 0;
  CHECK(write(connection, request, sizeof request) == (ssize_t)sizeof request);
  read_whole(connection, answer, 4);
  size_t size = number(answer);
  CHECK(size > 10 && size < sizeof answer);
  read_whole(connection, answer, size);
  CHECK(number(answer) == 42);
  CHECK(answer[4] == 0 && answer[5] == 0);
  size_t count = number(answer + 6);
  CHECK(size == 10 + 6 * count);
  for (size_t i = 0; i < count; i++) {
    const uint8_t *api = answer + 10 + 6 * i;
    produce |= api[0] == 0 && api[1] == 0;
    fetch |= api[0] == 0 && api[1] == 1;
  }
  CHECK(produce && fetch);
}

static void is_closed_by_the_broker(int connection) {
  uint8_t byte;
  ssize_t count = read(connection, &byte, 1);
  CHECK(count == 0 || (count < 0 && errno == ECONNRESET));
  CHECK(close(connection) == 0);
}

static void answers_until_it_is_stopped(levada_database *database) {
  levada_server *server = start(database);
  uint16_t port = port_of(server);
  CHECK(levada_server_connections(server) == 0);
  int one = dial(port), other = dial(port);
  CHECK(one >= 0 && other >= 0);
  asks_for_versions(one);
  asks_for_versions(other);
  asks_for_versions(one);
  CHECK(levada_server_connections(server) == 2);
  CHECK(close(other) == 0);
  /* The broker hears of it in its own time. */
  while (levada_server_connections(server) > 1) asks_for_versions(one);
  OK(levada_server_stop(server, LONG, &error));
  is_closed_by_the_broker(one);
  CHECK(dial(port) == -1);
  CHECK(levada_server_connections(server) == 0);
  CHECK(port_of(server) == port);
  OK(levada_server_stop(server, -1, &error));
  levada_server_free(server);
  levada_server_free(server);
  /* The database stays open. */
  fill(database, "t", 0, 1);
}

static void several_at_once(levada_database *database) {
  levada_server *one = start(database), *other = start(database);
  CHECK(port_of(one) != port_of(other));
  int connection = dial(port_of(one));
  asks_for_versions(connection);
  uint16_t port = port_of(one);
  levada_server_free(one);
  is_closed_by_the_broker(connection);
  CHECK(dial(port) == -1);
  connection = dial(port_of(other));
  asks_for_versions(connection);
  /* For ever is as long as it takes. */
  OK(levada_server_stop(other, -1, &error));
  is_closed_by_the_broker(connection);
  levada_server_free(other);
}

static void refused(levada_database *database) {
  static const char *const unknown[] = {"listener", "127.0.0.1:0", NULL}, *const odd[] = {"listeners", NULL};
  static const char *const nowhere[] = {"listeners", "nonsense", NULL};
  levada_server *server = NULL, *first = start(database);
  char taken[64];
  const char *const same[] = {"listeners", taken, NULL};
  CHECK(snprintf(taken, sizeof taken, "%s", levada_server_bootstrap(first)) > 0);
  FAILS(LEVADA_INVALID, "listener", levada_server_start(database, unknown, &server, &error));
  FAILS(LEVADA_INVALID, "listeners", levada_server_start(database, odd, &server, &error));
  FAILS(LEVADA_INVALID, "nonsense", levada_server_start(database, nowhere, &server, &error));
  FAILS(LEVADA_INVALID, "out_server", levada_server_start(database, ANY_PORT, NULL, &error));
  FAILS(LEVADA_UNAVAILABLE, taken, levada_server_start(database, same, &server, &error));
  CHECK(server == NULL);
  levada_server_free(first);
}

typedef struct stopper {
  levada_server *server;
  gate begun;
} stopper;

static void *stop(void *with) {
  stopper *self = with;
  gate_raise(&self->begun);
  OK(levada_server_stop(self->server, LONG, &error));
  return NULL;
}

/* Any thread may stop it, several may, and one may free it meanwhile. */
static void stopped_by_many(levada_database *database) {
  enum { STOPPERS = 4 };
  stopper with = {NULL, GATE_INIT};
  pthread_t threads[STOPPERS];
  with.server = start(database);
  int connection = dial(port_of(with.server));
  asks_for_versions(connection);
  for (int i = 0; i < STOPPERS; i++) threads[i] = thread_start(stop, &with);
  gate_wait(&with.begun, STOPPERS);
  for (int i = 0; i < STOPPERS; i++) thread_join(threads[i]);
  is_closed_by_the_broker(connection);
  levada_server_free(with.server);
}

/* What a program sends is there for clients, and its database may be closed under a server. */
static void database_closed(const char *dir) {
  levada_database *database = open_database(dir, "closed");
  levada_server *server = start(database);
  int connection = dial(port_of(server));
  asks_for_versions(connection);
  OK(levada_database_close(database, &error));
  levada_database_free(database);
  OK(levada_server_stop(server, LONG, &error));
  is_closed_by_the_broker(connection);
  levada_server_free(server);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  levada_database *database = open_database(dir, "data");
  make_topic(database, "t", 1);
  answers_until_it_is_stopped(database);
  several_at_once(database);
  refused(database);
  stopped_by_many(database);
  close_database(database);
  database_closed(dir);
  return end();
}
