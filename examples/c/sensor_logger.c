/* A logger as one would put on a device: it appends the readings of a sensor to a topic, so that each one that
 * was acknowledged survives a power cut. Then it reads them back, and turns them into Parquet files.
 *
 *   cc -std=c99 sensor_logger.c $(pkg-config --cflags --libs levada) -o sensor_logger
 *   ./sensor_logger [--count N] [--dir DIR] [--seed SEED]
 *
 * One pattern for errors runs through all of it. A function gives a levada_status and passes `out_error` on to
 * the library. Its handles begin as NULL, what fails goes to `done`, and there all is freed, NULL included.
 */
#include <inttypes.h>
#include <levada.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "readings"
#define SENSOR "sensor-1"
/* Readings that are handed over in one call. */
#define BATCH_COUNT 100
/* Calls whose readings may be on their way at once: it bounds memory, and what a crash may take. */
#define IN_FLIGHT_MAX 32
/* A reading as text: "-1234.567" and its NUL. */
#define TEXT_SIZE 16
/* A disk that needs longer than this for one batch is broken. */
#define DELIVERY_MS_MAX 30000
#define POLL_MS_MAX 10000

struct options {
  const char *dir;
  uint64_t count;
  uint64_t seed;
};

/* A thermometer that is not there. The same seed gives the same readings. */
struct sensor {
  uint64_t random;
  int64_t millidegrees;
};

struct statistics {
  uint64_t count;
  double min;
  double max;
  double sum;
};

/* What was handed over and is not known to be safe: a ring of deliveries, the oldest first. */
struct in_flight {
  levada_delivery *deliveries[IN_FLIGHT_MAX];
  size_t sent;
  size_t settled;
};

static double sensor_read(struct sensor *sensor) {
  int64_t step;

  sensor->random ^= sensor->random << 13;
  sensor->random ^= sensor->random >> 7;
  sensor->random ^= sensor->random << 17;
  step = (int64_t)(sensor->random % 201) - 100;
  /* It wanders, and is drawn back to 21 degrees. */
  sensor->millidegrees += step + (21000 - sensor->millidegrees) / 100;
  return (double)sensor->millidegrees / 1000;
}

static void statistics_add(struct statistics *statistics, double value) {
  if (statistics->count == 0 || value < statistics->min) statistics->min = value;
  if (statistics->count == 0 || value > statistics->max) statistics->max = value;
  statistics->sum += value;
  statistics->count++;
}

/* The library never prints by itself. */
static void print_log(void *user_data, levada_log_level level, const char *target, const char *message) {
  (void)user_data;
  fprintf(stderr, "%s: %s: %s\n", level == LEVADA_LOG_ERROR ? "error" : "warning", target, message);
}

/* Makes the topic, unless an earlier run did. */
static levada_status ensure_topic(levada_database *database, levada_error **out_error) {
  static const char *const settings[] = {
      /* What is acknowledged is on the disk. This is the default; a logger says so. */
      "levada.durability", "disk",
      /* Small segments: each is an archive file once it is full. */
      "segment.bytes", "1048576",
      /* Readings stay until somebody removes them. */
      "retention.ms", "-1", NULL};
  levada_error *error = NULL;
  levada_status status = levada_topic_create(database, TOPIC, 1, settings, &error);

  if (status == LEVADA_EXISTS) {
    levada_error_free(error);
    return LEVADA_OK;
  }
  if (status != LEVADA_OK) *out_error = error;
  return status;
}

/* Waits until the oldest readings on their way are on the disk, but not for ever. */
static levada_status settle_oldest(struct in_flight *in_flight, levada_error **out_error) {
  levada_delivery **oldest = &in_flight->deliveries[in_flight->settled % IN_FLIGHT_MAX];
  levada_status status = levada_delivery_wait(*oldest, DELIVERY_MS_MAX, out_error);

  levada_delivery_free(*oldest);
  *oldest = NULL;
  in_flight->settled++;
  return status;
}

/* Takes `count` readings, up to BATCH_COUNT, and hands them over. The library copies them: the arrays here may go
 * when the call returns, long before the readings are written. */
static levada_status send_batch(levada_writer *writer, struct sensor *sensor, size_t count,
                                struct in_flight *in_flight, levada_error **out_error) {
  char texts[BATCH_COUNT][TEXT_SIZE];
  const void *values[BATCH_COUNT];
  size_t sizes[BATCH_COUNT];
  const void *keys[BATCH_COUNT];
  size_t key_sizes[BATCH_COUNT];
  levada_delivery **newest = &in_flight->deliveries[in_flight->sent % IN_FLIGHT_MAX];
  levada_status status;
  size_t i;

  for (i = 0; i < count; i++) {
    sizes[i] = (size_t)snprintf(texts[i], TEXT_SIZE, "%.3f", sensor_read(sensor));
    values[i] = texts[i];
    keys[i] = SENSOR;
    key_sizes[i] = strlen(SENSOR);
  }
  /* NULL for the timestamps is now. One delivery answers for all of the batch. */
  status = levada_writer_send_many(writer, 0, count, keys, key_sizes, values, sizes, NULL, newest, NULL, out_error);
  if (status == LEVADA_OK) in_flight->sent++;
  return status;
}

static levada_status append(levada_database *database, const struct options *options, levada_error **out_error) {
  static const char *const settings[] = {
      /* Readings gather for 20 ms or 32 KiB, whatever comes first, and share one write and one sync. */
      "linger.ms", "20", "batch.size", "32768", "compression.type", "zstd",
      /* When the disk does not keep up, sending waits this long for room and then fails. */
      "max.block.ms", "10000", NULL};
  /* A generator of this kind never leaves zero. */
  struct sensor sensor = {options->seed * 2 + 1, 21000};
  struct in_flight in_flight = {{NULL}, 0, 0};
  levada_producer *producer = NULL;
  levada_writer *writer = NULL;
  levada_status status;
  uint64_t left = options->count;

  status = levada_producer_new(database, settings, &producer, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_writer_new(producer, TOPIC, &writer, out_error);
  if (status != LEVADA_OK) goto done;

  while (left > 0) {
    size_t count = left < BATCH_COUNT ? (size_t)left : BATCH_COUNT;
    if (in_flight.sent - in_flight.settled == IN_FLIGHT_MAX) {
      status = settle_oldest(&in_flight, out_error);
      if (status != LEVADA_OK) goto done;
    }
    status = send_batch(writer, &sensor, count, &in_flight, out_error);
    if (status != LEVADA_OK) goto done;
    left -= count;
  }
  /* The last ones need not linger: nobody comes after them. */
  status = levada_producer_flush(producer, DELIVERY_MS_MAX, out_error);
  while (status == LEVADA_OK && in_flight.settled < in_flight.sent) status = settle_oldest(&in_flight, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_producer_close(producer, DELIVERY_MS_MAX, out_error);

done:
  while (in_flight.settled < in_flight.sent) {
    levada_delivery_free(in_flight.deliveries[in_flight.settled++ % IN_FLIGHT_MAX]);
  }
  levada_writer_free(writer);
  levada_producer_free(producer);
  return status;
}

/* Where the topic ends now: what comes later is not waited for. */
static levada_status find_end(levada_database *database, int64_t *out_end, levada_error **out_error) {
  levada_topic *topic = NULL;
  levada_status status = levada_topic_describe(database, TOPIC, &topic, out_error);

  if (status == LEVADA_OK) *out_end = levada_topic_end_offset(topic, 0);
  levada_topic_free(topic);
  return status;
}

/* A value is bytes, without a NUL behind it. False: it is no number. */
static bool parse(const void *value, size_t size, double *out_number) {
  char text[TEXT_SIZE];
  char *end = NULL;

  if (value == NULL || size == 0 || size >= sizeof text) return false;
  memcpy(text, value, size);
  text[size] = '\0';
  *out_number = strtod(text, &end);
  return *end == '\0';
}

/* Adds up one poll's records, column by column: two arrays, no call a record. */
static levada_status add_batch(const levada_batch *batch, struct statistics *statistics) {
  const void *const *values = levada_batch_values(batch);
  const size_t *sizes = levada_batch_value_sizes(batch);
  size_t count = levada_batch_count(batch);
  double number;
  size_t i;

  for (i = 0; i < count; i++) {
    if (!parse(values[i], sizes[i], &number)) {
      fprintf(stderr, "the value at offset %" PRId64 " is no number\n", levada_batch_offset(batch, i));
      return LEVADA_INVALID;
    }
    statistics_add(statistics, number);
  }
  return LEVADA_OK;
}

/* Reads the topic from its first record on, wherever the records are: in the log or in archive files. */
static levada_status read_back(levada_database *database, struct statistics *statistics, levada_error **out_error) {
  static const char *const settings[] = {"auto.offset.reset", "earliest", NULL};
  static const char *const topics[] = {TOPIC, NULL};
  levada_consumer *consumer = NULL;
  levada_status status;
  int64_t position = 0;
  int64_t end = 0;

  status = find_end(database, &end, out_error);
  if (status != LEVADA_OK) goto done;
  /* Without `group.id` it reads all partitions and commits nothing. */
  status = levada_consumer_new(database, settings, &consumer, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_consumer_subscribe(consumer, topics, out_error);
  if (status != LEVADA_OK) goto done;

  while (position < end) {
    levada_batch *batch = NULL;
    status = levada_consumer_poll(consumer, 0, POLL_MS_MAX, &batch, out_error);
    if (status != LEVADA_OK) goto done;
    if (batch == NULL) {
      status = LEVADA_TIMEOUT;
      goto done;
    }
    status = add_batch(batch, statistics);
    levada_batch_free(batch);
    if (status != LEVADA_OK) goto done;
    status = levada_consumer_position(consumer, TOPIC, 0, &position, out_error);
    if (status != LEVADA_OK) goto done;
  }

done:
  levada_consumer_free(consumer);
  return status;
}

/* Turns the log into Parquet files, which take its place. */
static levada_status archive(levada_database *database, levada_error **out_error) {
  levada_files *files = NULL;
  levada_status status;
  size_t i;

  /* `true` seals what was written last as well, so that a short run leaves a file. A device that runs for months
   * sets the topic's `levada.archive.after.ms`, and full segments go by themselves. */
  status = levada_archive_run(database, TOPIC, LEVADA_PARTITION_ANY, true, NULL, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_archive_list(database, TOPIC, &files, out_error);
  if (status != LEVADA_OK) goto done;
  for (i = 0; i < levada_files_count(files); i++) {
    printf("archived offsets %" PRId64 " to %" PRId64 " in %s\n", levada_files_first_offset(files, i),
           levada_files_next_offset(files, i) - 1, levada_files_path(files, i));
  }

done:
  levada_files_free(files);
  return status;
}

static levada_status run(const struct options *options, levada_error **out_error) {
  struct statistics statistics = {0, 0, 0, 0};
  levada_logger *logger = NULL;
  levada_database *database = NULL;
  levada_status status;

  status = levada_logger_new(LEVADA_LOG_WARN, print_log, NULL, &logger, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_database_open(options->dir, NULL, &database, out_error);
  if (status != LEVADA_OK) goto done;
  status = ensure_topic(database, out_error);
  if (status != LEVADA_OK) goto done;
  status = append(database, options, out_error);
  if (status != LEVADA_OK) goto done;
  printf("appended %" PRIu64 " readings\n", options->count);

  status = read_back(database, &statistics, out_error);
  if (status != LEVADA_OK) goto done;
  printf("of %" PRIu64 " readings: min %.3f mean %.3f max %.3f\n", statistics.count, statistics.min,
         statistics.sum / (double)(statistics.count ? statistics.count : 1), statistics.max);
  status = archive(database, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_database_close(database, out_error);

done:
  levada_database_free(database);
  levada_logger_free(logger);
  return status;
}

static bool parse_number(const char *text, uint64_t *out_number) {
  char *end = NULL;

  /* strtoull() takes a sign. */
  if (*text < '0' || *text > '9') return false;
  *out_number = strtoull(text, &end, 10);
  return *end == '\0';
}

static bool parse_options(int argc, char **argv, struct options *out_options) {
  bool is_good = true;
  int i;

  for (i = 1; is_good && i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--dir") == 0) {
      out_options->dir = argv[i + 1];
    } else if (strcmp(argv[i], "--count") == 0) {
      is_good = parse_number(argv[i + 1], &out_options->count);
    } else if (strcmp(argv[i], "--seed") == 0) {
      is_good = parse_number(argv[i + 1], &out_options->seed);
    } else {
      is_good = false;
    }
  }
  return is_good && i == argc;
}

int main(int argc, char **argv) {
  struct options options = {"sensor-data", 10000, 1};
  levada_error *error = NULL;
  levada_status status;

  if (!parse_options(argc, argv, &options)) {
    fprintf(stderr, "usage: %s [--count N] [--dir DIR] [--seed SEED]\n", argv[0]);
    return 2;
  }
  status = run(&options, &error);
  if (status != LEVADA_OK) fprintf(stderr, "%s: %s\n", levada_status_name(status), levada_error_message(error));
  levada_error_free(error);
  return status == LEVADA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
