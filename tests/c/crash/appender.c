/* Appends records as fast as it can until somebody kills it, and says which of them are safe.
 *
 *   appender DIRECTORY ROUND COUNT SEGMENT_BYTES
 *
 * COUNT is how many records each thread sends; 0 is until it is killed. SEGMENT_BYTES is how large a file of the log
 * becomes, for whoever makes the topic: with small ones kills also come while one is sealed. A line on stdout, `PARTITION OFFSET VALUE`,
 * is written once the library has said that the record is delivered, not before. A value is `ROUND-THREAD-NUMBER`,
 * so that none comes twice. Whatever goes wrong ends the program with 1 and a line on stderr.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <levada.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOPIC "events"
#define PARTITIONS 3
#define VALUE_SIZE 48
#define LINE_SIZE 96
/* Threads that take reports, and those that wait for deliveries. */
#define REPORTED 2
#define TRACKED 2
/* How many records of one producer may be on their way. */
#define WINDOW 500
#define WAIT_MS_MAX 60000

struct program {
  levada_database *database;
  long round;
  long count;
};

/* What the threads that take reports share with the one that polls. */
struct reported {
  struct program *program;
  levada_producer *producer;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* Sent and not reported yet. */
  size_t waiting;
  int senders;
};

struct sender {
  pthread_t thread;
  struct program *program;
  struct reported *reported;
  int number;
};

/* A line that does not fit into the pipe at once must not have another one in its middle. */
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  _exit(1);
}

static void ok(const char *what, levada_status status, levada_error *error) {
  if (status != LEVADA_OK) fail(what, levada_error_message(error));
}

/* By write() itself: what lies in a buffer of this process when it dies was not said. */
static void say(int32_t partition, int64_t offset, const char *value) {
  char line[LINE_SIZE];
  int size = snprintf(line, sizeof line, "%" PRId32 " %" PRId64 " %s\n", partition, offset, value);
  ssize_t written = 0;
  int at = 0;

  pthread_mutex_lock(&output);
  for (; at < size; at += (int)written) {
    written = write(STDOUT_FILENO, line + at, (size_t)(size - at));
    if (written < 0) fail("stdout", "nobody listens");
  }
  pthread_mutex_unlock(&output);
}

static bool goes_on(const struct program *program, long number) {
  return program->count == 0 || number < program->count;
}

static void value_of(const struct sender *sender, long number, char value[VALUE_SIZE]) {
  snprintf(value, VALUE_SIZE, "%ld-%d-%ld", sender->program->round, sender->number, number);
}

static levada_producer *make_producer(struct program *program) {
  static const char *const settings[] = {"linger.ms", "1", NULL};
  levada_producer *producer = NULL;
  levada_error *error = NULL;

  ok("producer", levada_producer_new(program->database, settings, &producer, &error), error);
  return producer;
}

static levada_writer *make_writer(levada_producer *producer) {
  levada_writer *writer = NULL;
  levada_error *error = NULL;

  ok("writer", levada_writer_new(producer, TOPIC, &writer, &error), error);
  return writer;
}

/* Sends with a report: by key, or wherever there is room. */
static void *send_reported(void *argument) {
  struct sender *sender = argument;
  struct reported *reported = sender->reported;
  levada_writer *writer = make_writer(reported->producer);
  levada_error *error = NULL;
  char key[VALUE_SIZE];
  char *value;
  long number;

  for (number = 0; goes_on(sender->program, number); number++) {
    pthread_mutex_lock(&reported->mutex);
    while (reported->waiting >= WINDOW) pthread_cond_wait(&reported->changed, &reported->mutex);
    reported->waiting++;
    pthread_mutex_unlock(&reported->mutex);

    /* It comes back with the report. */
    value = malloc(VALUE_SIZE);
    if (value == NULL) fail("malloc", "no memory");
    value_of(sender, number, value);
    snprintf(key, sizeof key, "%ld", number % 7);
    ok("send",
       levada_writer_send_record(writer, LEVADA_PARTITION_ANY, LEVADA_TIMESTAMP_NOW, NULL,
                                 sender->number == 0 ? key : NULL, sender->number == 0 ? strlen(key) : 0, value,
                                 strlen(value), value, &error),
       error);
  }
  levada_writer_free(writer);
  pthread_mutex_lock(&reported->mutex);
  reported->senders--;
  pthread_mutex_unlock(&reported->mutex);
  return NULL;
}

static size_t say_reports(const levada_reports *reports) {
  size_t count = levada_reports_count(reports);
  size_t i;

  for (i = 0; i < count; i++) {
    const levada_error *why = levada_reports_error(reports, i);
    char *value = levada_reports_tag(reports, i);
    if (why != NULL) fail("report", levada_error_message(why));
    say(levada_reports_partition(reports, i), levada_reports_offset(reports, i), value);
    free(value);
  }
  return count;
}

static bool is_over(struct reported *reported) {
  bool over;

  pthread_mutex_lock(&reported->mutex);
  over = reported->senders == 0 && reported->waiting == 0;
  pthread_mutex_unlock(&reported->mutex);
  return over;
}

/* Polls for the threads above until they have ended and all is reported. */
static void *take_reports(void *argument) {
  struct reported *reported = argument;
  levada_error *error = NULL;

  while (!is_over(reported)) {
    levada_reports *reports = NULL;
    size_t count;
    ok("reports", levada_producer_poll(reported->producer, 100, &reports, &error), error);
    count = say_reports(reports);
    levada_reports_free(reports);
    pthread_mutex_lock(&reported->mutex);
    reported->waiting -= count;
    pthread_cond_broadcast(&reported->changed);
    pthread_mutex_unlock(&reported->mutex);
  }
  return NULL;
}

/* Sends to each partition in turn and keeps deliveries, and waits for the oldest when there are many. */
static void *send_tracked(void *argument) {
  struct sender *sender = argument;
  levada_producer *producer = make_producer(sender->program);
  levada_writer *writer = make_writer(producer);
  levada_delivery *deliveries[WINDOW] = {NULL};
  levada_error *error = NULL;
  char value[VALUE_SIZE];
  long settled = 0;
  long sent = 0;

  while (goes_on(sender->program, sent) || settled < sent) {
    levada_delivery **slot = &deliveries[settled % WINDOW];
    if (goes_on(sender->program, sent) && sent - settled < WINDOW) {
      value_of(sender, sent, value);
      slot = &deliveries[sent % WINDOW];
      ok("send",
         levada_writer_send_tracked(writer, (int32_t)(sent % PARTITIONS), LEVADA_TIMESTAMP_NOW, NULL, NULL, 0, value,
                                    strlen(value), slot, &error),
         error);
      sent++;
      continue;
    }
    ok("delivery", levada_delivery_wait(*slot, WAIT_MS_MAX, &error), error);
    value_of(sender, settled, value);
    say(levada_delivery_partition(*slot), levada_delivery_offset(*slot), value);
    levada_delivery_free(*slot);
    settled++;
  }
  levada_writer_free(writer);
  ok("close", levada_producer_close(producer, WAIT_MS_MAX, &error), error);
  levada_producer_free(producer);
  return NULL;
}

static void spawn(pthread_t *thread, void *(*body)(void *), void *argument) {
  if (pthread_create(thread, NULL, body, argument) != 0) fail("thread", "cannot be made");
}

static void append(struct program *program) {
  struct reported reported = {program, NULL, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, REPORTED};
  struct sender senders[REPORTED + TRACKED];
  levada_error *error = NULL;
  pthread_t taker;
  int i;

  reported.producer = make_producer(program);
  spawn(&taker, take_reports, &reported);
  for (i = 0; i < REPORTED + TRACKED; i++) {
    senders[i].program = program;
    senders[i].reported = &reported;
    senders[i].number = i;
    spawn(&senders[i].thread, i < REPORTED ? send_reported : send_tracked, &senders[i]);
  }
  for (i = 0; i < REPORTED + TRACKED; i++) pthread_join(senders[i].thread, NULL);
  pthread_join(taker, NULL);
  ok("close", levada_producer_close(reported.producer, WAIT_MS_MAX, &error), error);
  levada_producer_free(reported.producer);
}

static void make_topic(levada_database *database, const char *segment_bytes) {
  const char *settings[] = {"levada.durability", "disk", "internal.segment.bytes", segment_bytes, NULL};
  levada_error *error = NULL;
  levada_status status = levada_topic_create(database, TOPIC, PARTITIONS, settings, &error);

  if (status != LEVADA_EXISTS) ok("topic", status, error);
  levada_error_free(error);
}

int main(int argc, char **argv) {
  struct program program = {NULL, 0, 0};
  levada_error *error = NULL;

  if (argc != 5) fail("usage", "appender DIRECTORY ROUND COUNT SEGMENT_BYTES");
  program.round = strtol(argv[2], NULL, 10);
  program.count = strtol(argv[3], NULL, 10);
  ok("open", levada_database_open(argv[1], NULL, &program.database, &error), error);
  make_topic(program.database, argv[4]);
  append(&program);
  ok("close", levada_database_close(program.database, &error), error);
  levada_database_free(program.database);
  if (levada_handle_count() != 0) fail("handles", "some are left");
  return 0;
}
