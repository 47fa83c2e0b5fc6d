/* A program of somebody who has Levada installed. */
#include <levada.h>

int main(int count, char **arguments) {
    levada_database *database = 0;
    if (count != 2 || levada_database_open(arguments[1], 0, &database, 0) != LEVADA_OK) {
        return 1;
    }
    if (levada_topic_create(database, "orders", 1, 0, 0) != LEVADA_OK) {
        return 2;
    }
    if (levada_database_close(database, 0) != LEVADA_OK) {
        return 3;
    }
    levada_database_free(database);
    return levada_handle_count() == 0 ? 0 : 4;
}
