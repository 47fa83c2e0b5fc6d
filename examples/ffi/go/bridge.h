#include <levada.h>

// Tags and user data are numbers in Go, and become pointers in C alone: Go's runtime may end a program that
// holds a number in a pointer.

levada_status send_tagged(levada_writer *writer, const levada_headers *headers, const void *key, size_t key_size,
                          const void *value, size_t value_size, uintptr_t tag, levada_error **out_error);
uintptr_t tag_of(const levada_reports *reports, size_t index);
levada_status on_delivery(levada_producer *producer, uintptr_t user_data, levada_error **out_error);
