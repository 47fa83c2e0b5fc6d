/* Reports that are polled: on every record that was sent for them, once, with what became of it. */
#define _POSIX_C_SOURCE 200809L

#include "gate.h"
#include "support.h"

#define RECORDS 5000
#define PARTITIONS 3

static char tags[RECORDS];

static void send_tagged(levada_writer *writer, int32_t partition, const void *value, size_t size, void *tag) {
  OK(levada_writer_send_record(writer, partition, 5, NULL, NULL, 0, value, size, tag, &error));
}

/* After a flush all reports are there: without waiting. */
static levada_reports *polled(levada_producer *producer) {
  levada_reports *reports = NULL;
  OK(levada_producer_poll(producer, 0, &reports, &error));
  return reports;
}

static void polled_nothing(levada_producer *producer) { CHECK(polled(producer) == NULL); }

/* In order by partition, each once, and none is missing. */
static void on_every_record(levada_database *database) {
  static const char *const options[] = {"batch.size", "1000", "linger.ms", "1", NULL};
  levada_producer *producer = new_producer(database, options);
  levada_writer *writer = new_writer(producer, "t");
  int64_t next[PARTITIONS] = {0};
  char seen[RECORDS] = {0};
  int left = RECORDS, in_order[PARTITIONS] = {-1, -1, -1};
  polled_nothing(producer);
  for (int i = 0; i < RECORDS; i++) send_tagged(writer, i % PARTITIONS, "value", 5, &tags[i]);
  flush(producer);
  while (left > 0) {
    levada_reports *reports = polled(producer);
    CHECK(reports != NULL && levada_reports_count(reports) > 0);
    for (size_t i = 0; i < levada_reports_count(reports); i++) {
      int number = (int)((char *)levada_reports_tag(reports, i) - tags);
      int32_t partition = levada_reports_partition(reports, i);
      CHECK(number >= 0 && number < RECORDS && !seen[number]);
      seen[number] = 1;
      CHECK(partition == number % PARTITIONS);
      CHECK(levada_reports_offset(reports, i) == next[partition]++);
      CHECK(levada_reports_timestamp(reports, i) == 5);
      CHECK(levada_reports_error(reports, i) == NULL);
      CHECK(number > in_order[partition]);
      in_order[partition] = number;
      left--;
    }
    size_t count = levada_reports_count(reports);
    CHECK(levada_reports_tag(reports, count) == NULL);
    CHECK(levada_reports_partition(reports, count) == -1);
    CHECK(levada_reports_offset(reports, count) == -1);
    CHECK(levada_reports_timestamp(reports, count) == -1);
    CHECK(levada_reports_error(reports, SIZE_MAX) == NULL);
    levada_reports_free(reports);
  }
  polled_nothing(producer);

  /* What was not polled before the close can be polled after it; then nobody waits. */
  send_tagged(writer, 0, "last", 4, &tags[0]);
  OK(levada_producer_close(producer, LONG, &error));
  levada_reports *reports = NULL;
  OK(levada_producer_poll(producer, -1, &reports, &error));
  CHECK(levada_reports_count(reports) == 1 && levada_reports_tag(reports, 0) == &tags[0]);
  levada_reports_free(reports);
  levada_reports_free(reports);
  OK(levada_producer_poll(producer, -1, &reports, &error));
  CHECK(reports == NULL);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

/* A call that fails is not reported on: it said so itself. */
static void refused_at_once(levada_database *database) {
  levada_producer *producer = new_producer(database, NULL);
  levada_writer *writer = new_writer(producer, "t");
  FAILS(LEVADA_NOT_FOUND, "99",
        levada_writer_send_record(writer, 99, 5, NULL, NULL, 0, "v", 1, &tags[0], &error));
  FAILS(LEVADA_INVALID, "-2", levada_writer_send_record(writer, -2, 5, NULL, NULL, 0, "v", 1, &tags[0], &error));
  FAILS(LEVADA_INVALID, "-2", levada_writer_send_record(writer, 0, -2, NULL, NULL, 0, "v", 1, &tags[0], &error));
  FAILS(LEVADA_INVALID, "value", levada_writer_send_record(writer, 0, 5, NULL, NULL, 0, NULL, 1, NULL, &error));
  flush(producer);
  polled_nothing(producer);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

static void failed_with(levada_producer *producer, size_t count, levada_status status, const char *text) {
  levada_reports *reports = polled(producer);
  CHECK(levada_reports_count(reports) == count);
  for (size_t i = 0; i < count; i++) {
    const levada_error *why = levada_reports_error(reports, i);
    CHECK(levada_reports_tag(reports, i) == &tags[i]);
    CHECK(levada_reports_partition(reports, i) == -1);
    CHECK(levada_reports_offset(reports, i) == -1 && levada_reports_timestamp(reports, i) == -1);
    if (levada_error_status(why) != status || strstr(levada_error_message(why), text) == NULL) {
      fprintf(stderr, "%s: %s\n", levada_status_name(levada_error_status(why)), levada_error_message(why));
      exit(1);
    }
  }
  levada_reports_free(reports);
}

/* A topic that went, and is there again under its name, while records waited. */
static void deleted_under_way(levada_database *database) {
  static const char *const options[] = {"linger.ms", "100000", NULL};
  levada_producer *producer = new_producer(database, options);
  make_topic(database, "gone", 1);
  levada_writer *writer = new_writer(producer, "gone");
  for (int i = 0; i < 3; i++) send_tagged(writer, 0, "v", 1, &tags[i]);
  OK(levada_topic_delete(database, "gone", &error));
  CHECK(levada_producer_flush(producer, LONG, NULL) == LEVADA_NOT_FOUND);
  failed_with(producer, 3, LEVADA_NOT_FOUND, "gone");
  FAILS(LEVADA_NOT_FOUND, "gone", levada_writer_send(writer, 0, NULL, 0, "v", 1, &error));
  make_topic(database, "gone", 1);
  OK(levada_writer_send(writer, 0, NULL, 0, "v", 1, &error));
  flush(producer);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

/* A limit of the topic that came between the send and the append: each record by itself. */
static void too_large_by_then(levada_database *database) {
  static const char *const options[] = {"linger.ms", "100000", NULL};
  static const char *const smaller[] = {"max.message.bytes", "1000", NULL};
  char large[5000] = {0};
  levada_producer *producer = new_producer(database, options);
  make_topic(database, "small", 1);
  levada_writer *writer = new_writer(producer, "small");
  send_tagged(writer, 0, large, sizeof large, &tags[0]);
  OK(levada_topic_alter(database, "small", smaller, NULL, &error));
  CHECK(levada_producer_flush(producer, LONG, NULL) == LEVADA_INVALID);
  failed_with(producer, 1, LEVADA_INVALID, "max.message.bytes");
  FAILS(LEVADA_INVALID, "max.message.bytes",
        levada_writer_send_record(writer, 0, 5, NULL, NULL, 0, large, sizeof large, NULL, &error));
  send_tagged(writer, 0, "v", 1, &tags[1]);
  flush(producer);
  levada_reports *reports = polled(producer);
  CHECK(levada_reports_count(reports) == 1 && levada_reports_offset(reports, 0) == 0);
  levada_reports_free(reports);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

/* What the database's end leaves behind is told as well. */
static void database_closed(const char *dir) {
  static const char *const options[] = {"linger.ms", "100000", NULL};
  levada_database *database = open_database(dir, "closed");
  levada_producer *producer = new_producer(database, options);
  make_topic(database, "t", 1);
  levada_writer *writer = new_writer(producer, "t");
  send_tagged(writer, 0, "v", 1, &tags[0]);
  close_database(database);
  CHECK(levada_producer_flush(producer, LONG, NULL) == LEVADA_CLOSED);
  failed_with(producer, 1, LEVADA_CLOSED, "closed");
  levada_writer_free(writer);
  levada_producer_free(producer);
}

typedef struct poller {
  levada_producer *producer;
  gate begun;
} poller;

static void *poll_for_ever(void *with) {
  poller *self = with;
  levada_reports *reports = NULL;
  size_t count = 0;
  do {
    gate_raise(&self->begun);
    OK(levada_producer_poll(self->producer, -1, &reports, &error));
    count += levada_reports_count(reports);
    levada_reports_free(reports);
  } while (reports != NULL);
  CHECK(count == 1);
  return NULL;
}

/* A thread that waits for reports hears of the end. */
static void closed_while_polled(levada_database *database) {
  poller with = {NULL, GATE_INIT};
  with.producer = new_producer(database, NULL);
  levada_writer *writer = new_writer(with.producer, "t");
  pthread_t thread = thread_start(poll_for_ever, &with);
  gate_wait(&with.begun, 1);
  send_tagged(writer, 0, "v", 1, NULL);
  flush(with.producer);
  gate_wait(&with.begun, 2);
  OK(levada_producer_close(with.producer, LONG, &error));
  thread_join(thread);
  levada_writer_free(writer);
  levada_producer_free(with.producer);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  levada_database *database = open_database(dir, "data");
  make_topic(database, "t", PARTITIONS);
  on_every_record(database);
  refused_at_once(database);
  deleted_under_way(database);
  too_large_by_then(database);
  closed_while_polled(database);
  close_database(database);
  database_closed(dir);
  return end();
}
