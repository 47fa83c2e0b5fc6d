// The functions of levada.h that the example calls, as koffi declares them.

import { promisify } from 'node:util'
import koffi from 'koffi'

const library = koffi.load(process.env.LEVADA_LIB)

const KINDS = ['database', 'producer', 'writer', 'headers', 'reports', 'consumer', 'batch', 'error']
for (const kind of KINDS) koffi.opaque(`levada_${kind}`)

koffi.proto('void delivered(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t time, ' +
  'const levada_error *error)')

// What cannot fail. A koffi `bool` is C's own.
const PLAIN = [
  'size_t levada_handle_count()',
  'int32_t levada_error_status(const levada_error *error)',
  'const char *levada_error_message(const levada_error *error)',
  'bool levada_error_is_retriable(const levada_error *error)',
  'size_t levada_reports_count(const levada_reports *reports)',
  'void *levada_reports_tag(const levada_reports *reports, size_t index)',
  'int64_t levada_reports_offset(const levada_reports *reports, size_t index)',
  'size_t levada_batch_count(const levada_batch *batch)',
  'const void **levada_batch_values(const levada_batch *batch)',
  'const size_t *levada_batch_value_sizes(const levada_batch *batch)',
  'size_t levada_batch_header_count(const levada_batch *batch, size_t index)',
  ...KINDS.map(kind => `void levada_${kind}_free(levada_${kind} *handle)`)
]

// What gives a status and takes, last, a place for an error, which is added below.
const FALLIBLE = [
  'database_open(const char *path, const char **options, _Out_ levada_database **database',
  'database_close(levada_database *database',
  'topic_create(levada_database *database, const char *topic, int32_t partitions, const char **settings',
  'producer_new(levada_database *database, const char **options, _Out_ levada_producer **producer',
  'producer_on_delivery(levada_producer *producer, delivered *callback, void *user_data',
  'producer_flush(levada_producer *producer, int64_t timeout_ms',
  'producer_poll(levada_producer *producer, int64_t timeout_ms, _Out_ levada_reports **reports',
  'producer_close(levada_producer *producer, int64_t timeout_ms',
  'writer_new(levada_producer *producer, const char *topic, _Out_ levada_writer **writer',
  'writer_send(levada_writer *writer, int32_t partition, const void *key, size_t key_size, ' +
    'const void *value, size_t value_size',
  'writer_send_record(levada_writer *writer, int32_t partition, int64_t time, const levada_headers *headers, ' +
    'const void *key, size_t key_size, const void *value, size_t value_size, void *tag',
  'headers_new(_Out_ levada_headers **headers',
  'headers_add(levada_headers *headers, const char *name, const void *value, size_t value_size',
  'consumer_new(levada_database *database, const char **options, _Out_ levada_consumer **consumer',
  'consumer_subscribe(levada_consumer *consumer, const char **topics',
  'consumer_poll(levada_consumer *consumer, size_t records_max, int64_t timeout_ms, _Out_ levada_batch **batch',
  'consumer_commit(levada_consumer *consumer, const void *offsets',
  'consumer_committed(levada_consumer *consumer, const char *topic, int32_t partition, _Out_ int64_t *offset',
  'consumer_close(levada_consumer *consumer'
]

const levada = {}
for (const prototype of PLAIN) {
  levada[prototype.match(/levada_(\w+)\(/)[1]] = library.func(prototype)
}

// The error is copied and freed at once: exceptions are JavaScript's to keep.
function check (status, [error]) {
  if (status === 0) return
  const thrown = new Error(levada.error_message(error))
  Object.assign(thrown, { status: levada.error_status(error), retriable: levada.error_is_retriable(error) })
  levada.error_free(error)
  throw thrown
}

for (const prototype of FALLIBLE) {
  const call = library.func(`int32_t levada_${prototype}, _Out_ levada_error **error)`.replace('(,', '('))
  const later = promisify(call.async)
  const name = prototype.split('(')[0]
  levada[name] = (...given) => {
    const error = [null]
    check(call(...given, error), error)
  }
  // On another thread, so that this one is free for callbacks.
  levada[name].async = async (...given) => {
    const error = [null]
    check(await later(...given, error), error)
  }
}

// What a function made, out of the place that it was written to.
export function made (call, ...given) {
  const place = [null]
  call(...given, place)
  return place[0]
}

export default levada
