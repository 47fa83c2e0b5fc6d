/* Handles may be freed in any order, twice, and while what they made lives on; closed ones say so. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

static const char *const ANY_PORT[] = {"listeners", "127.0.0.1:0", NULL};
static const char *const GROUP[] = {"group.id", "g", "auto.offset.reset", "earliest", NULL};

enum { DATABASE, PRODUCER, WRITER, CONSUMER, BATCH, DELIVERY, SCAN, SERVER, KINDS };

typedef struct all {
  levada_database *database;
  levada_producer *producer;
  levada_writer *writer;
  levada_consumer *consumer;
  levada_batch *batch;
  levada_delivery *delivery;
  levada_scan *scan;
  levada_server *server;
} all;

static all make_all(const char *dir) {
  all made;
  made.database = open_database(dir, "orders");
  (void)levada_topic_create(made.database, "t", 1, NULL, NULL);
  fill(made.database, "t", 0, 3);
  made.producer = new_producer(made.database, NULL);
  made.writer = new_writer(made.producer, "t");
  made.consumer = new_consumer(made.database, GROUP);
  assign(made.consumer, "t", 0, 0);
  made.batch = poll_together(made.consumer, "t", 0, 0, 3);
  OK(levada_writer_send_tracked(made.writer, 0, 0, NULL, NULL, 0, "v", 1, &made.delivery, &error));
  OK(levada_scan_new(made.database, "t", &made.scan, &error));
  OK(levada_server_start(made.database, ANY_PORT, &made.server, &error));
  return made;
}

static void free_one(all *made, int kind) {
  switch (kind) {
    case DATABASE: levada_database_free(made->database); break;
    case PRODUCER: levada_producer_free(made->producer); break;
    case WRITER: levada_writer_free(made->writer); break;
    case CONSUMER: levada_consumer_free(made->consumer); break;
    case BATCH: levada_batch_free(made->batch); break;
    case DELIVERY: levada_delivery_free(made->delivery); break;
    case SCAN: levada_scan_free(made->scan); break;
    default: levada_server_free(made->server); break;
  }
}

/* Each kind goes first, and each goes last: with a step that shares no factor with their number, all orders of a
 * round. When all are gone the directory is closed, as the next open shows. */
static void every_kind_first_and_last(const char *dir) {
  for (int first = 0; first < KINDS; first++) {
    for (int step = 1; step < KINDS; step += 2) {
      all made = make_all(dir);
      for (int i = 0; i < KINDS; i++) {
        free_one(&made, (first + i * step) % KINDS);
        free_one(&made, (first + i * step) % KINDS);
      }
      CHECK(levada_handle_count() == 0);
    }
  }
}

/* The database goes first: the others work on. */
static void outliving_the_database(const char *dir) {
  all made = make_all(dir);
  levada_database_free(made.database);
  OK(levada_writer_send(made.writer, 0, NULL, 0, "v", 1, &error));
  flush(made.producer);
  OK(levada_delivery_wait(made.delivery, LONG, &error));
  levada_batch_free(poll_batch(made.consumer, 1));
  CHECK(has_value(made.batch, 2, "2"));
  struct ArrowArrayStream stream;
  OK(levada_scan_stream(made.scan, &stream, &error));
  for (int kind = PRODUCER; kind < KINDS; kind++) free_one(&made, kind);
  struct ArrowSchema schema;
  CHECK(stream.get_schema(&stream, &schema) == 0);
  schema.release(&schema);
  stream.release(&stream);
}

/* The same of the others: a producer before its writer, a consumer before its batch. */
static void outliving_their_makers(const char *dir) {
  all made = make_all(dir);
  levada_producer_free(made.producer);
  FAILS(LEVADA_CLOSED, "closed", levada_writer_send(made.writer, 0, NULL, 0, "v", 1, &error));
  FAILS(LEVADA_CLOSED, "closed", levada_writer_send_record(made.writer, 0, 0, NULL, NULL, 0, "v", 1, NULL, &error));
  OK(levada_delivery_wait(made.delivery, LONG, &error));
  CHECK(levada_delivery_offset(made.delivery) >= 3);
  levada_consumer_free(made.consumer);
  CHECK(strcmp(levada_batch_topic(made.batch, 0), "t") == 0 && has_value(made.batch, 1, "1"));
  CHECK(levada_batch_offsets(made.batch)[2] == 2);
  free_one(&made, WRITER);
  for (int kind = BATCH; kind < KINDS; kind++) free_one(&made, kind);
  levada_database_free(made.database);
}

#define CLOSED(...) FAILS(LEVADA_CLOSED, "closed", __VA_ARGS__)

/* A closed database closes everything made from it; it is freed all the same. */
static void after_a_close(const char *dir) {
  all made = make_all(dir);
  struct ArrowArrayStream stream = {0};
  levada_text *json = NULL;
  levada_names *names = NULL;
  int64_t offset;
  flush(made.producer);
  OK(levada_database_close(made.database, &error));
  OK(levada_database_close(made.database, &error));
  /* The directory is free for others while the handles live. */
  levada_database *again = open_database(dir, "orders");
  close_database(again);

  CLOSED(levada_database_stats(made.database, &json, &error));
  CLOSED(levada_database_run_job(made.database, "retain", NULL, &error));
  CLOSED(levada_topic_create(made.database, "new", 1, NULL, &error));
  CLOSED(levada_topic_delete(made.database, "t", &error));
  CLOSED(levada_topic_list(made.database, true, &names, &error));
  CLOSED(levada_topic_describe(made.database, "t", &(levada_topic *){NULL}, &error));
  CLOSED(levada_topic_settings(made.database, "t", &(levada_settings *){NULL}, &error));
  CLOSED(levada_topic_alter(made.database, "t", NULL, NULL, &error));
  CLOSED(levada_topic_add_partitions(made.database, "t", 9, &error));
  CLOSED(levada_topic_offset_for_time(made.database, "t", 0, 0, &offset, &error));
  CLOSED(levada_topic_delete_records(made.database, "t", 0, 0, NULL, &error));
  CLOSED(levada_archive_run(made.database, "t", 0, true, NULL, &error));
  CLOSED(levada_archive_list(made.database, "t", &(levada_files *){NULL}, &error));
  CLOSED(levada_producer_new(made.database, NULL, &(levada_producer *){NULL}, &error));
  CLOSED(levada_consumer_new(made.database, NULL, &(levada_consumer *){NULL}, &error));
  CLOSED(levada_scan_new(made.database, "t", &(levada_scan *){NULL}, &error));
  CLOSED(levada_server_start(made.database, ANY_PORT, &(levada_server *){NULL}, &error));
  CLOSED(levada_group_list(made.database, &names, &error));
  CLOSED(levada_group_describe(made.database, "g", &(levada_group *){NULL}, &error));
  CLOSED(levada_group_offsets(made.database, "g", &(levada_positions *){NULL}, &error));
  CLOSED(levada_group_delete(made.database, "g", &error));

  CLOSED(levada_producer_send(made.producer, "t", 0, NULL, 0, "v", 1, &error));
  CLOSED(levada_writer_send(made.writer, 0, NULL, 0, "v", 1, &error));
  CLOSED(levada_writer_new(made.producer, "t", &(levada_writer *){NULL}, &error));
  CLOSED(levada_consumer_poll(made.consumer, 0, 0, &(levada_batch *){NULL}, &error));
  CLOSED(levada_consumer_seek(made.consumer, "t", 0, 0, &error));
  CLOSED(levada_consumer_commit(made.consumer, NULL, &error));
  CLOSED(levada_consumer_committed(made.consumer, "t", 0, &offset, &error));
  CLOSED(levada_scan_stream(made.scan, &stream, &error));
  CHECK(stream.release == NULL && json == NULL && names == NULL);
  CHECK(levada_server_connections(made.server) == 0);
  OK(levada_server_stop(made.server, 0, &error));
  OK(levada_delivery_wait(made.delivery, 0, &error));
  CHECK(has_value(made.batch, 2, "2"));
  for (int kind = KINDS - 1; kind >= 0; kind--) free_one(&made, kind);
}

/* Results and lists, which hang on nothing. */
static void results(const char *dir) {
  levada_database *database = open_database(dir, "orders");
  levada_text *json = NULL;
  levada_names *names = NULL;
  levada_settings *settings = NULL;
  levada_topic *topic = NULL;
  levada_files *files = NULL;
  levada_positions *list = NULL;
  levada_error *why = NULL;
  OK(levada_database_stats(database, &json, &error));
  OK(levada_topic_list(database, false, &names, &error));
  OK(levada_topic_settings(database, "t", &settings, &error));
  OK(levada_topic_describe(database, "t", &topic, &error));
  OK(levada_archive_list(database, "t", &files, &error));
  OK(levada_group_offsets(database, "g", &list, &error));
  CHECK(levada_topic_delete(database, "none", &why) == LEVADA_NOT_FOUND);
  close_database(database);
  CHECK(levada_text_size(json) == strlen(levada_text_data(json)));
  CHECK(strcmp(levada_names_get(names, 0), "t") == 0);
  CHECK(levada_settings_count(settings) > 10 && levada_settings_name(settings, 0) != NULL);
  CHECK(levada_topic_end_offset(topic, 0) > 0 && levada_files_count(files) == 0);
  CHECK(strstr(levada_error_message(why), "none") != NULL);
  CHECK(levada_handle_count() == 7);
  for (int turn = 0; turn < 2; turn++) {
    levada_text_free(json);
    levada_names_free(names);
    levada_settings_free(settings);
    levada_topic_free(topic);
    levada_files_free(files);
    levada_positions_free(list);
    levada_error_free(why);
    CHECK(levada_handle_count() == 0);
  }
}

/* A close that had no time is taken up by the next one. */
static void closed_in_two_steps(const char *dir) {
  levada_database *database = open_database(dir, "orders");
  for (int turn = 0; turn < 20; turn++) {
    levada_producer *producer = new_producer(database, NULL);
    levada_writer *writer = new_writer(producer, "t");
    levada_delivery *delivery = NULL;
    OK(levada_writer_send_tracked(writer, 0, 0, NULL, NULL, 0, "v", 1, &delivery, &error));
    levada_status status = levada_producer_close(producer, 0, NULL);
    CHECK(status == LEVADA_OK || status == LEVADA_TIMEOUT);
    OK(levada_producer_close(producer, LONG, &error));
    OK(levada_delivery_wait(delivery, 0, &error));
    levada_delivery_free(delivery);
    levada_writer_free(writer);
    levada_producer_free(producer);
  }
  close_database(database);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  every_kind_first_and_last(dir);
  outliving_the_database(dir);
  outliving_their_makers(dir);
  after_a_close(dir);
  results(dir);
  closed_in_two_steps(dir);
  return end();
}
