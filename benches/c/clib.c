/* One measurement a run, as a line of JSON: the C library, and what it is compared with. */
#define _POSIX_C_SOURCE 200809L

#include <levada.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VALUE_SIZE 100
#define TOPIC "bench"

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void ok(levada_status status, levada_error *error) {
  if (status != LEVADA_OK) fail("levada", levada_error_message(error));
}

static void figure(double records, double seconds) {
  printf("{\"records\": %.0f, \"seconds\": %.9f}\n", records, seconds);
}

/* Bytes that do not repeat, so that nothing of the way can make them cheaper. */
static unsigned char *noise(size_t size) {
  unsigned char *bytes = malloc(size);
  unsigned long long state = 88172645463325252ULL;
  if (bytes == NULL) fail("malloc", "no memory");
  for (size_t at = 0; at < size; at++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bytes[at] = (unsigned char)state;
  }
  return bytes;
}

#define NOISE_SIZE ((size_t)1 << 20)

static const unsigned char *value(const unsigned char *bytes, long at) {
  return bytes + (size_t)at * 7 % (NOISE_SIZE - VALUE_SIZE);
}

static char *in(const char *directory, const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static void bench_fwrite(const char *directory, long records) {
  unsigned char *bytes = noise(NOISE_SIZE);
  FILE *file = fopen(in(directory, "plain"), "wb");
  if (file == NULL) fail("fopen", directory);
  double begin = now();
  for (long at = 0; at < records; at++) {
    if (fwrite(value(bytes, at), VALUE_SIZE, 1, file) != 1) fail("fwrite", directory);
  }
  if (fclose(file) != 0) fail("fclose", directory);
  figure((double)records, now() - begin);
  free(bytes);
}

static levada_database *open_at(const char *directory) {
  levada_database *database = NULL;
  levada_error *error = NULL;
  ok(levada_database_open(directory, NULL, &database, &error), error);
  return database;
}

static void make_topic(levada_database *database, const char *durability) {
  const char *settings[] = {"levada.durability", durability, NULL};
  levada_error *error = NULL;
  ok(levada_topic_create(database, TOPIC, 1, settings, &error), error);
}

/* `reported`: each record with a tag that comes back in a callback. */
static void count(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp,
                  const levada_error *failure) {
  (void)tag, (void)partition, (void)offset, (void)timestamp;
  if (failure == NULL) ++*(long *)user_data;
}

static void bench_send(const char *directory, long records, int reported, const char *durability) {
  unsigned char *bytes = noise(NOISE_SIZE);
  levada_database *database = open_at(directory);
  levada_producer *producer = NULL;
  levada_writer *writer = NULL;
  levada_error *error = NULL;
  long delivered = 0;
  make_topic(database, durability);
  ok(levada_producer_new(database, NULL, &producer, &error), error);
  ok(levada_writer_new(producer, TOPIC, &writer, &error), error);
  if (reported) ok(levada_producer_on_delivery(producer, count, &delivered, &error), error);
  double begin = now();
  for (long at = 0; at < records; at++) {
    if (reported)
      ok(levada_writer_send_record(writer, 0, LEVADA_TIMESTAMP_NOW, NULL, NULL, 0, value(bytes, at), VALUE_SIZE,
                                   NULL, &error),
         error);
    else
      ok(levada_writer_send(writer, 0, NULL, 0, value(bytes, at), VALUE_SIZE, &error), error);
  }
  ok(levada_producer_flush(producer, -1, &error), error);
  figure((double)records, now() - begin);
  if (reported && delivered != records) fail("send", "not all were reported");
  levada_writer_free(writer);
  levada_producer_free(producer);
  ok(levada_database_close(database, &error), error);
  levada_database_free(database);
  free(bytes);
}

#define MANY 1000

static void bench_send_many(const char *directory, long records) {
  unsigned char *bytes = noise(NOISE_SIZE);
  const void *values[MANY];
  size_t sizes[MANY];
  levada_database *database = open_at(directory);
  levada_producer *producer = NULL;
  levada_writer *writer = NULL;
  levada_error *error = NULL;
  make_topic(database, "cache");
  ok(levada_producer_new(database, NULL, &producer, &error), error);
  ok(levada_writer_new(producer, TOPIC, &writer, &error), error);
  for (int at = 0; at < MANY; at++) sizes[at] = VALUE_SIZE;
  double begin = now();
  for (long done = 0; done < records; done += MANY) {
    for (int at = 0; at < MANY; at++) values[at] = value(bytes, done + at);
    ok(levada_writer_send_many(writer, 0, MANY, NULL, NULL, values, sizes, NULL, NULL, NULL, &error), error);
  }
  ok(levada_producer_flush(producer, -1, &error), error);
  figure((double)records, now() - begin);
  levada_writer_free(writer);
  levada_producer_free(producer);
  levada_database_free(database);
  free(bytes);
}

static void bench_fread(const char *directory, long records) {
  unsigned char buffer[VALUE_SIZE];
  unsigned long sum = 0;
  FILE *file = fopen(in(directory, "plain"), "rb");
  if (file == NULL) fail("fopen", directory);
  double begin = now();
  for (long at = 0; at < records; at++) {
    if (fread(buffer, VALUE_SIZE, 1, file) != 1) fail("fread", directory);
    sum += buffer[0];
  }
  double seconds = now() - begin;
  if (sum == 0) fail("fread", "nothing read");
  figure((double)records, seconds);
  fclose(file);
}

static levada_consumer *consumer_of(levada_database *database) {
  const char *options[] = {"auto.offset.reset", "earliest", "max.poll.records", "10000", NULL};
  const char *topics[] = {TOPIC, NULL};
  levada_consumer *consumer = NULL;
  levada_error *error = NULL;
  ok(levada_consumer_new(database, options, &consumer, &error), error);
  ok(levada_consumer_subscribe(consumer, topics, &error), error);
  return consumer;
}

static void bench_poll(const char *directory, long records, int columns) {
  levada_database *database = open_at(directory);
  levada_consumer *consumer = consumer_of(database);
  levada_error *error = NULL;
  unsigned long sum = 0;
  long read = 0;
  double begin = now();
  while (read < records) {
    levada_batch *batch = NULL;
    ok(levada_consumer_poll(consumer, 0, 1000, &batch, &error), error);
    if (batch == NULL) fail("poll", "records are missing");
    size_t all = levada_batch_count(batch);
    if (columns) {
      const void *const *values = levada_batch_values(batch);
      const size_t *sizes = levada_batch_value_sizes(batch);
      for (size_t at = 0; at < all; at++) sum += *(const unsigned char *)values[at] + sizes[at];
    } else {
      for (size_t at = 0; at < all; at++) {
        size_t size = 0;
        const unsigned char *bytes = levada_batch_value(batch, at, &size);
        sum += bytes[0] + size;
      }
    }
    read += (long)all;
    levada_batch_free(batch);
  }
  double seconds = now() - begin;
  if (sum == 0) fail("poll", "nothing read");
  figure((double)read, seconds);
  levada_consumer_free(consumer);
  levada_database_free(database);
}

static rd_kafka_conf_t *configure(const char *servers, const char *const *settings) {
  char why[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", servers, why, sizeof why);
  for (; *settings != NULL; settings += 2) {
    if (rd_kafka_conf_set(conf, settings[0], settings[1], why, sizeof why) != RD_KAFKA_CONF_OK) fail(settings[0], why);
  }
  return conf;
}

static void bench_produce(const char *servers, long records) {
  const char *settings[] = {"queue.buffering.max.messages", "1000000", "linger.ms", "5", NULL};
  char why[512];
  unsigned char *bytes = noise(NOISE_SIZE);
  rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, configure(servers, settings), why, sizeof why);
  if (producer == NULL) fail("rd_kafka_new", why);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, TOPIC, NULL);
  double begin = now();
  for (long at = 0; at < records; at++) {
    while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, (void *)(size_t)value(bytes, at), VALUE_SIZE, NULL, 0,
                            NULL) == -1) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(producer, 1);
    }
  }
  if (rd_kafka_flush(producer, 120000) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("flush", "not delivered");
  figure((double)records, now() - begin);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  free(bytes);
}

static void bench_consume(const char *servers, long records) {
  const char *settings[] = {"group.id", "bench", "auto.offset.reset", "earliest", "enable.auto.commit", "false", NULL};
  char why[512];
  static rd_kafka_message_t *messages[10000];
  unsigned long sum = 0;
  long read = 0;
  rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, configure(servers, settings), why, sizeof why);
  if (consumer == NULL) fail("rd_kafka_new", why);
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, TOPIC, 0)->offset = 0;
  rd_kafka_assign(consumer, list);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
  double begin = 0;
  while (read < records) {
    ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, messages, sizeof messages / sizeof *messages);
    /* From the first records on: finding the broker is not what is measured. */
    if (begin == 0 && got > 0) begin = now();
    for (ssize_t at = 0; at < got; at++) {
      if (messages[at]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sum += *(unsigned char *)messages[at]->payload + messages[at]->len;
        read++;
      }
      rd_kafka_message_destroy(messages[at]);
    }
  }
  double seconds = now() - begin;
  if (sum == 0) fail("consume", "nothing read");
  figure((double)read, seconds);
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
}

/* Nanoseconds a call: one without a handle, one that looks its handle up, one that looks at its tag, and the same
 * that is refused with and without an error object. */
static void bench_calls(const char *directory, long calls) {
  levada_database *database = open_at(directory);
  levada_consumer *consumer = consumer_of(database);
  levada_producer *producer = NULL;
  levada_batch *batch = NULL;
  levada_error *error = NULL;
  volatile size_t sink = 0;
  double took[5];
  ok(levada_producer_new(database, NULL, &producer, &error), error);
  ok(levada_consumer_poll(consumer, 0, 1000, &batch, &error), error);
  double begin = now();
  for (long at = 0; at < calls; at++) sink += levada_version_number();
  took[0] = now() - begin, begin = now();
  for (long at = 0; at < calls; at++) sink += levada_producer_buffered(producer);
  took[1] = now() - begin, begin = now();
  for (long at = 0; at < calls; at++) sink += levada_batch_count(batch);
  took[2] = now() - begin, begin = now();
  for (long at = 0; at < calls; at++) sink += (size_t)levada_producer_flush(NULL, 0, NULL);
  took[3] = now() - begin, begin = now();
  for (long at = 0; at < calls; at++) {
    sink += (size_t)levada_producer_flush(NULL, 0, &error);
    levada_error_free(error);
  }
  took[4] = now() - begin;
  printf("{\"nothing\": %.2f, \"looked_up\": %.2f, \"glanced_at\": %.2f, \"refused\": %.2f, \"refused_with_error\": %.2f}\n",
         took[0] / (double)calls * 1e9, took[1] / (double)calls * 1e9, took[2] / (double)calls * 1e9,
         took[3] / (double)calls * 1e9, took[4] / (double)calls * 1e9);
  levada_batch_free(batch);
  levada_consumer_free(consumer);
  levada_producer_free(producer);
  levada_database_free(database);
}

static long resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) fail("statm", "cannot be read");
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

/* Bytes in memory before and after a database was opened and used a little. */
static void bench_memory(const char *directory) {
  long before = resident();
  levada_database *database = open_at(directory);
  long opened = resident();
  levada_producer *producer = NULL;
  levada_error *error = NULL;
  make_topic(database, "disk");
  ok(levada_producer_new(database, NULL, &producer, &error), error);
  ok(levada_producer_send(producer, TOPIC, 0, NULL, 0, "x", 1, &error), error);
  ok(levada_producer_flush(producer, -1, &error), error);
  printf("{\"before\": %ld, \"opened\": %ld, \"used\": %ld}\n", before, opened, resident());
  levada_producer_free(producer);
  levada_database_free(database);
}

int main(int argc, char **argv) {
  if (argc != 4) fail("use", "clib WHAT DIRECTORY-OR-SERVERS COUNT");
  const char *what = argv[1], *where = argv[2];
  long many = atol(argv[3]);
  if (strcmp(what, "fwrite") == 0) bench_fwrite(where, many);
  else if (strcmp(what, "send") == 0) bench_send(where, many, 0, "cache");
  else if (strcmp(what, "send_disk") == 0) bench_send(where, many, 0, "disk");
  else if (strcmp(what, "send_reported") == 0) bench_send(where, many, 1, "cache");
  else if (strcmp(what, "send_many") == 0) bench_send_many(where, many);
  else if (strcmp(what, "produce") == 0) bench_produce(where, many);
  else if (strcmp(what, "fread") == 0) bench_fread(where, many);
  else if (strcmp(what, "poll") == 0) bench_poll(where, many, 0);
  else if (strcmp(what, "poll_columns") == 0) bench_poll(where, many, 1);
  else if (strcmp(what, "consume") == 0) bench_consume(where, many);
  else if (strcmp(what, "calls") == 0) bench_calls(where, many);
  else if (strcmp(what, "memory") == 0) bench_memory(where);
  else fail("no such measurement", what);
  return 0;
}
