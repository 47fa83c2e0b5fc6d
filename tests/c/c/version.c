/* The library says which it is. */
#include <levada.h>

#include <stdio.h>
#include <string.h>

#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            return 1; \
        } \
    } while (0)

int main(void) {
    char text[32];
    uint32_t number = levada_version_number();
    int size = snprintf(text, sizeof text, "%u.%u.%u", (unsigned)(number >> 16), (unsigned)(number >> 8 & 0xff),
                        (unsigned)(number & 0xff));

    CHECK(size > 0 && (size_t)size < sizeof text);
    CHECK(strcmp(text, levada_version()) == 0);
    CHECK(levada_has_feature("archive"));
    CHECK(levada_has_feature("broker"));
    CHECK(!levada_has_feature("time travel"));
    CHECK(levada_handle_count() == 0);
    return 0;
}
