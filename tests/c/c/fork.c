/* A forked child: its parent's handles are closed for it, and it works with its own. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "gate.h"
#include "support.h"

/* The allocator of the address sanitizer (GCC's, and Clang's before LLVM 18) does not know of forks: a child that is
 * born while another thread allocates finds it locked for good. There nobody else does anything at a fork. */
#if defined(__SANITIZE_ADDRESS__)
#define QUIET_FORKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QUIET_FORKS 1
#endif
#endif
#ifndef QUIET_FORKS
#define QUIET_FORKS 0
#endif

typedef struct parent {
  levada_database *database;
  levada_producer *producer;
  levada_writer *writer;
  levada_consumer *consumer;
  levada_batch *batch;
  levada_delivery *delivery;
  levada_positions *list;
  levada_logger *logger;
  const char *dir;
} parent;

static void must_not_hear(void *user_data, levada_log_level level, const char *target, const char *message) {
  CHECK(getpid() == *(pid_t *)user_data);
  CHECK(level > 0 && target != NULL && message != NULL);
}

static void child_ended_well(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0) CHECK(errno == EINTR);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Ends a child without a look at its memory: what hung on threads of the parent is lost in it, for a leak checker. */
static void leave(void) {
  execl("/bin/true", "true", (char *)NULL);
  _exit(1);
}

/* Opens, sends, reads and closes. */
static void work(const char *dir, const char *name) {
  levada_database *database = dir == NULL ? NULL : open_database(dir, name);
  if (dir == NULL) OK(levada_database_open(":memory:", NULL, &database, &error));
  (void)levada_topic_create(database, "own", 1, NULL, NULL);
  fill(database, "own", 0, 10);
  levada_consumer *consumer = new_consumer(database, NULL);
  assign(consumer, "own", 0, 0);
  levada_batch *batch = poll_together(consumer, "own", 0, 0, 10);
  CHECK(has_value(batch, 9, "9"));
  levada_batch_free(batch);
  levada_consumer_free(consumer);
  close_database(database);
}

#define CLOSED(...) FAILS(LEVADA_CLOSED, "fork", __VA_ARGS__)

static void in_child(parent *made) {
  levada_names *names = NULL;
  levada_batch *batch = NULL;
  int64_t offset = 77;
  CLOSED(levada_database_close(made->database, &error));
  CLOSED(levada_topic_list(made->database, true, &names, &error));
  CLOSED(levada_producer_send(made->producer, "t", 0, NULL, 0, "v", 1, &error));
  CLOSED(levada_producer_flush(made->producer, 0, &error));
  CLOSED(levada_writer_send(made->writer, 0, NULL, 0, "v", 1, &error));
  CLOSED(levada_consumer_poll(made->consumer, 0, 0, &batch, &error));
  CLOSED(levada_consumer_position(made->consumer, "t", 0, &offset, &error));
  CLOSED(levada_delivery_wait(made->delivery, 0, &error));
  CLOSED(levada_positions_add(made->list, "t", 0, 0, &error));
  CHECK(levada_positions_count(made->list) == 0 && levada_batch_count(made->batch) == 0);
  CHECK(levada_batch_value(made->batch, 0, NULL) == NULL && levada_producer_buffered(made->producer) == 0);
  CHECK(names == NULL && batch == NULL && offset == 77);

  /* The directory is the parent's, as long as that has it open. */
  char path[1024], owner[32];
  levada_error *why = NULL;
  levada_database *second = NULL;
  CHECK(snprintf(path, sizeof path, "%s/parent", made->dir) > 0);
  CHECK(snprintf(owner, sizeof owner, "%ld", (long)getppid()) > 0);
  CHECK(levada_database_open(path, NULL, &second, &why) == LEVADA_CONFLICT && second == NULL);
  CHECK(strstr(levada_error_message(why), owner) != NULL);
  levada_error_free(why);
  work(made->dir, "child");

  levada_consumer_wakeup(made->consumer);
  for (int turn = 0; turn < 2; turn++) {
    levada_logger_free(made->logger);
    levada_positions_free(made->list);
    levada_delivery_free(made->delivery);
    levada_batch_free(made->batch);
    levada_consumer_free(made->consumer);
    levada_writer_free(made->writer);
    levada_producer_free(made->producer);
    levada_database_free(made->database);
    CHECK(levada_handle_count() == 0);
  }
  work(made->dir, "child");
}

static void the_parent_goes_on(const char *dir) {
  pid_t self = getpid();
  parent made;
  made.dir = dir;
  made.logger = NULL;
  OK(levada_logger_new(LEVADA_LOG_TRACE, must_not_hear, &self, &made.logger, &error));
  made.database = open_database(dir, "parent");
  make_topic(made.database, "t", 1);
  fill(made.database, "t", 0, 5);
  made.producer = new_producer(made.database, NULL);
  made.writer = new_writer(made.producer, "t");
  made.consumer = new_consumer(made.database, NULL);
  made.list = positions();
  assign(made.consumer, "t", 0, 0);
  made.batch = poll_together(made.consumer, "t", 0, 0, 2);
  OK(levada_consumer_seek(made.consumer, "t", 0, 2, &error));
  OK(levada_writer_send_tracked(made.writer, 0, 0, NULL, NULL, 0, "v", 1, &made.delivery, &error));
  if (QUIET_FORKS) OK(levada_delivery_wait(made.delivery, LONG, &error));
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    in_child(&made);
    leave();
  }
  child_ended_well(child);
  OK(levada_delivery_wait(made.delivery, LONG, &error));
  OK(levada_writer_send(made.writer, 0, NULL, 0, "w", 1, &error));
  flush(made.producer);
  for (int left = 5; left > 0;) {
    levada_batch *batch = poll_batch(made.consumer, 100);
    left -= (int)levada_batch_count(batch);
    CHECK(left >= 0);
    levada_batch_free(batch);
  }
  CHECK(has_value(made.batch, 1, "1"));
  levada_positions_free(made.list);
  levada_delivery_free(made.delivery);
  levada_batch_free(made.batch);
  levada_consumer_free(made.consumer);
  levada_writer_free(made.writer);
  levada_producer_free(made.producer);
  close_database(made.database);
  levada_logger_free(made.logger);
}

/* A child that lives on does not keep the directory of a parent that has closed it. */
static void the_lock_is_the_parent_s(const char *dir) {
  int go[2];
  char byte;
  CHECK(pipe(go) == 0);
  levada_database *database = open_database(dir, "parent");
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(close(go[1]) == 0);
    CHECK(read(go[0], &byte, 1) == 0);
    leave();
  }
  CHECK(close(go[0]) == 0);
  close_database(database);
  pid_t other = fork();
  CHECK(other >= 0);
  if (other == 0) {
    work(dir, "parent");
    leave();
  }
  child_ended_well(other);
  close_database(open_database(dir, "parent"));
  CHECK(close(go[1]) == 0);
  child_ended_well(child);
}

typedef struct sender {
  levada_producer *producer;
  gate begun, stop;
} sender;

static void *send_on(void *with) {
  sender *self = with;
  while (gate_number(&self->stop) == 0) {
    levada_reports *reports = NULL;
    levada_writer *writer = new_writer(self->producer, "t");
    for (int i = 0; i < 50; i++) {
      OK(levada_writer_send_record(writer, 0, 0, NULL, NULL, 0, "v", 1, NULL, &error));
    }
    OK(levada_producer_poll(self->producer, 0, &reports, &error));
    levada_reports_free(reports);
    levada_writer_free(writer);
    gate_raise(&self->begun);
  }
  return NULL;
}

/* From a thread, whatever the others are in the middle of. */
static void while_others_send(const char *dir) {
  enum { SENDERS = 4, FORKS = 25 };
  sender with = {NULL, GATE_INIT, GATE_INIT};
  pthread_t threads[SENDERS];
  levada_database *database = open_database(dir, "busy");
  make_topic(database, "t", 1);
  with.producer = new_producer(database, NULL);
  for (int i = 0; i < SENDERS; i++) threads[i] = thread_start(send_on, &with);
  for (int i = 0; i < FORKS; i++) {
    gate_wait(&with.begun, 10 * (i + 1));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(SECONDS_MAX);
      CLOSED(levada_producer_flush(with.producer, 0, &error));
      levada_producer_free(with.producer);
      levada_database_free(database);
      work(NULL, NULL);
      leave();
    }
    child_ended_well(child);
  }
  gate_raise(&with.stop);
  for (int i = 0; i < SENDERS; i++) thread_join(threads[i]);
  levada_producer_free(with.producer);
  close_database(database);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  the_parent_goes_on(dir);
  the_lock_is_the_parent_s(dir);
  if (!QUIET_FORKS) while_others_send(dir);
  return end();
}
