#include "bridge.h"
#include "_cgo_export.h"

levada_status send_tagged(levada_writer *writer, const levada_headers *headers, const void *key, size_t key_size,
                          const void *value, size_t value_size, uintptr_t tag, levada_error **out_error) {
    return levada_writer_send_record(writer, LEVADA_PARTITION_ANY, LEVADA_TIMESTAMP_NOW, headers, key, key_size,
                                     value, value_size, (void *)tag, out_error);
}

uintptr_t tag_of(const levada_reports *reports, size_t index) {
    return (uintptr_t)levada_reports_tag(reports, index);
}

// A thread of the library's comes in here, and Go lets it.
static void come_in(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                    const levada_error *error) {
    (void)partition, (void)timestamp_ms, (void)error;
    delivered((uintptr_t)user_data, (uintptr_t)tag, offset);
}

levada_status on_delivery(levada_producer *producer, uintptr_t user_data, levada_error **out_error) {
    return levada_producer_on_delivery(producer, come_in, (void *)user_data, out_error);
}
