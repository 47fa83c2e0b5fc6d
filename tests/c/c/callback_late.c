/* Who flushes learns when the delivery callback was not called for everything within the time given. */
#include <levada.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            return 1; \
        } \
    } while (0)

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool may_go;
    int calls;
} heard;

/* As a callback whose thread is busy with something else. */
static void delivered(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                      const levada_error *error) {
    heard *it = user_data;
    (void)tag, (void)partition, (void)offset, (void)timestamp_ms, (void)error;
    pthread_mutex_lock(&it->lock);
    while (!it->may_go) {
        pthread_cond_wait(&it->changed, &it->lock);
    }
    it->calls++;
    pthread_mutex_unlock(&it->lock);
}

static int try_with(levada_producer *producer, levada_writer *writer, heard *it) {
    CHECK(levada_producer_on_delivery(producer, delivered, it, NULL) == LEVADA_OK);
    for (int at = 0; at < 3; at++) {
        CHECK(levada_writer_send_record(writer, 0, LEVADA_TIMESTAMP_NOW, NULL, NULL, 0, "value", 5, NULL, NULL) ==
              LEVADA_OK);
    }
    levada_error *error = NULL;
    CHECK(levada_producer_flush(producer, 20, &error) == LEVADA_TIMEOUT);
    CHECK(levada_error_is_retriable(error));
    levada_error_free(error);

    pthread_mutex_lock(&it->lock);
    it->may_go = true;
    pthread_cond_signal(&it->changed);
    pthread_mutex_unlock(&it->lock);
    CHECK(levada_producer_flush(producer, -1, NULL) == LEVADA_OK);
    pthread_mutex_lock(&it->lock);
    int calls = it->calls;
    pthread_mutex_unlock(&it->lock);
    CHECK(calls == 3);
    CHECK(levada_producer_close(producer, -1, NULL) == LEVADA_OK);
    return 0;
}

int main(int count, char **arguments) {
    levada_database *database = NULL;
    levada_producer *producer = NULL;
    levada_writer *writer = NULL;
    heard it = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    CHECK(count == 2);
    CHECK(levada_database_open(arguments[1], NULL, &database, NULL) == LEVADA_OK);
    CHECK(levada_topic_create(database, "readings", 1, NULL, NULL) == LEVADA_OK);
    CHECK(levada_producer_new(database, NULL, &producer, NULL) == LEVADA_OK);
    CHECK(levada_writer_new(producer, "readings", &writer, NULL) == LEVADA_OK);
    int failed = try_with(producer, writer, &it);
    levada_writer_free(writer);
    levada_producer_free(producer);
    levada_database_free(database);
    CHECK(levada_handle_count() == 0);
    return failed;
}
