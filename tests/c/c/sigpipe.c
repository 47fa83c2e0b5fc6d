/* Clients that go away while they are answered do not end a program that does not ignore SIGPIPE; and no signal of the
* program's is handled on a thread of the library's. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define CLIENTS 40
#define REQUESTS 3000

/* ApiVersions, version 0: size, key 18, version, correlation id, no client id. */
static const unsigned char request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255};

static pthread_t main_thread;
static volatile sig_atomic_t handled;
static volatile sig_atomic_t elsewhere;

static void handle(int number) {
  (void)number;
  handled = 1;
  if (!pthread_equal(pthread_self(), main_thread)) {
    elsewhere = 1;
  }
}

static int connect_to(int port) {
  struct sockaddr_in address;
  int client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(client >= 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
  return client;
}

/* Asks for more than the sockets hold, says that it is done, reads nothing of what comes, and is gone with a reset:
 * whoever writes to it then gets SIGPIPE. */
static void rude_client(int port) {
  static unsigned char many[REQUESTS * sizeof request];
  struct linger reset = {1, 0};
  int client = connect_to(port);
  struct pollfd answered = {client, POLLIN, 0};
  for (size_t at = 0; at < REQUESTS; at++) {
    memcpy(many + at * sizeof request, request, sizeof request);
  }
  CHECK(send(client, many, sizeof many, MSG_NOSIGNAL) > 0);
  CHECK(shutdown(client, SHUT_WR) == 0);
  CHECK(poll(&answered, 1, 20000) == 1);
  CHECK(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
  close(client);
}

static void polite_client(int port) {
  unsigned char size[4];
  int client = connect_to(port);
  CHECK(send(client, request, sizeof request, MSG_NOSIGNAL) == (ssize_t)sizeof request);
  CHECK(recv(client, size, sizeof size, MSG_WAITALL) == (ssize_t)sizeof size);
  close(client);
}

int main(int argc, char **argv) {
  const char *options[] = {"listeners", "127.0.0.1:0", NULL};
  levada_database *database = NULL;
  levada_server *server = NULL;
  struct sigaction action;
  const char *directory = begin(argc, argv);
  int port;
  signal(SIGPIPE, SIG_DFL);
  OK(levada_database_open(directory, NULL, &database, &error));
  OK(levada_server_start(database, options, &server, &error));
  port = atoi(strrchr(levada_server_bootstrap(server), ':') + 1);
  for (int at = 0; at < CLIENTS; at++) {
    rude_client(port);
    polite_client(port);
  }

  /* This thread does not hear it for a moment: the system would give it to any other that does. */
  main_thread = pthread_self();
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
  sigset_t usr1, before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  CHECK(pthread_sigmask(SIG_BLOCK, &usr1, &before) == 0);
  CHECK(kill(getpid(), SIGUSR1) == 0);
  polite_client(port);
  CHECK(handled == 0);
  CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
  CHECK(handled == 1 && elsewhere == 0);

  OK(levada_server_stop(server, 5000, &error));
  levada_server_free(server);
  levada_database_free(database);
  CHECK(levada_handle_count() == 0);
  return 0;
}
