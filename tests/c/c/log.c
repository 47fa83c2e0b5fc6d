/* What the library says: to each logger that is there, up to its level, with what that brought along. */
#define _POSIX_C_SOURCE 200809L

#include <sched.h>

#include "gate.h"
#include "support.h"

static const char *const ANY_PORT[] = {"listeners", "127.0.0.1:0", NULL};

typedef struct hearer {
  levada_database *database;
  levada_logger *logger;
  gate lines, warnings, go;
} hearer;

static const hearer NOBODY = {NULL, NULL, GATE_INIT, GATE_INIT, GATE_INIT};

static void hear(void *user_data, levada_log_level level, const char *target, const char *message) {
  hearer *with = user_data;
  CHECK(level >= LEVADA_LOG_ERROR && level <= LEVADA_LOG_TRACE);
  CHECK(strlen(target) > 0 && strlen(message) > 0 && strchr(message, '\n') == NULL);
  if (level <= LEVADA_LOG_WARN) gate_raise(&with->warnings);
  gate_raise(&with->lines);
}

static levada_logger *listen_with(int32_t level, levada_log_callback callback, void *with) {
  levada_logger *logger = NULL;
  OK(levada_logger_new(level, callback, with, &logger, &error));
  CHECK(logger != NULL);
  return logger;
}

/* Says one line of information on this thread: where it listens. */
static void say(levada_database *database) {
  levada_server *server = NULL;
  OK(levada_server_start(database, ANY_PORT, &server, &error));
  levada_server_free(server);
}

/* Says one line of warning on this thread: a record that could not be delivered. */
static void warn(levada_database *database) {
  static const char *const options[] = {"linger.ms", "100000", NULL};
  levada_producer *producer = new_producer(database, options);
  make_topic(database, "gone", 1);
  send_text(producer, "gone", 0, "lost");
  OK(levada_topic_delete(database, "gone", &error));
  levada_producer_free(producer);
}

static void each_up_to_its_level(levada_database *database) {
  hearer all = NOBODY, grave = NOBODY;
  all.logger = listen_with(LEVADA_LOG_INFO, hear, &all);
  grave.logger = listen_with(LEVADA_LOG_WARN, hear, &grave);
  say(database);
  CHECK(gate_number(&all.lines) >= 1);
  CHECK(gate_number(&grave.lines) == 0);
  warn(database);
  CHECK(gate_number(&all.warnings) >= 1);
  CHECK(gate_number(&grave.lines) == gate_number(&all.warnings));

  levada_logger_free(all.logger);
  levada_logger_free(all.logger);
  int before = gate_number(&all.lines), heard = gate_number(&grave.lines);
  say(database);
  warn(database);
  CHECK(gate_number(&all.lines) == before);
  CHECK(gate_number(&grave.lines) > heard);
  levada_logger_free(grave.logger);
}

/* Makes handles, errors and another logger. */
static void use(void *user_data, levada_log_level level, const char *target, const char *message) {
  hearer *with = user_data;
  hearer other = NOBODY;
  levada_positions *list = positions();
  levada_topic *topic = NULL;
  add(list, "t", 0, 0);
  levada_positions_free(list);
  CHECK(level != 0 && target != NULL && message != NULL);
  OK(levada_topic_describe(with->database, "t", &topic, &error));
  levada_topic_free(topic);
  FAILS(LEVADA_NOT_FOUND, "none", levada_topic_describe(with->database, "none", &topic, &error));
  levada_logger *logger = listen_with(LEVADA_LOG_TRACE, hear, &other);
  /* It would hear of that, were this not said within a callback. */
  if (gate_number(&with->lines) == 0) {
    gate_raise(&with->lines);
    warn(with->database);
  }
  levada_logger_free(logger);
  CHECK(gate_number(&other.lines) == 0);
  gate_raise(&with->lines);
}

static void uses_the_library(levada_database *database) {
  hearer with = NOBODY;
  with.database = database;
  with.logger = listen_with(LEVADA_LOG_INFO, use, &with);
  say(database);
  CHECK(gate_number(&with.lines) >= 2);
  levada_logger_free(with.logger);
}

static void free_own(void *user_data, levada_log_level level, const char *target, const char *message) {
  hearer *with = user_data;
  CHECK(level != 0 && target != NULL && message != NULL);
  levada_logger_free(with->logger);
  gate_raise(&with->lines);
}

/* From its own callback: that was the last line. */
static void frees_itself(levada_database *database) {
  hearer with = NOBODY;
  with.logger = listen_with(LEVADA_LOG_INFO, free_own, &with);
  say(database);
  say(database);
  CHECK(gate_number(&with.lines) == 1);
}

static void hold(void *user_data, levada_log_level level, const char *target, const char *message) {
  hearer *with = user_data;
  CHECK(level != 0 && target != NULL && message != NULL);
  gate_raise(&with->lines);
  gate_wait(&with->go, 1);
  /* Long enough for a free that does not wait to come back before. */
  for (int i = 0; i < 10000; i++) sched_yield();
  gate_raise(&with->warnings);
}

static void *speak(void *with) {
  say(((hearer *)with)->database);
  return NULL;
}

/* Freeing waits for a call under way; others who speak, listen or end do not. */
static void freed_while_it_hears(levada_database *database) {
  hearer slow = NOBODY, other = NOBODY;
  slow.database = database;
  slow.logger = listen_with(LEVADA_LOG_INFO, hold, &slow);
  pthread_t speaker = thread_start(speak, &slow);
  gate_wait(&slow.lines, 1);
  other.logger = listen_with(LEVADA_LOG_INFO, hear, &other);
  levada_logger_free(other.logger);
  gate_raise(&slow.go);
  levada_logger_free(slow.logger);
  CHECK(gate_number(&slow.warnings) == gate_number(&slow.lines));
  thread_join(speaker);
}

static void refused(void) {
  levada_logger *logger = NULL;
  FAILS(LEVADA_INVALID, "callback", levada_logger_new(LEVADA_LOG_INFO, NULL, NULL, &logger, &error));
  FAILS(LEVADA_INVALID, "0", levada_logger_new(0, hear, NULL, &logger, &error));
  FAILS(LEVADA_INVALID, "6", levada_logger_new(6, hear, NULL, &logger, &error));
  FAILS(LEVADA_INVALID, "out_logger", levada_logger_new(LEVADA_LOG_INFO, hear, NULL, NULL, &error));
  CHECK(logger == NULL);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  make_topic(database, "t", 1);
  refused();
  each_up_to_its_level(database);
  uses_the_library(database);
  frees_itself(database);
  freed_while_it_hears(database);
  close_database(database);
  return end();
}
