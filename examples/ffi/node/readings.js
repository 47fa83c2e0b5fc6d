// Levada from Node, through koffi and the C ABI: writes records, reads them back, prints what they come to.

import assert from 'node:assert/strict'
import koffi from 'koffi'
import levada, { made } from './levada.js'

const RECORDS = 1000
const ANY = -1 // LEVADA_PARTITION_ANY
const NOW = -1 // LEVADA_TIMESTAMP_NOW
const NOT_FOUND = 2 // LEVADA_NOT_FOUND
const FOR_EVER = -1

function write (database) {
  const producer = made(levada.producer_new, database, null)
  const writer = made(levada.writer_new, producer, 'readings')
  for (let at = 1; at < RECORDS; at++) {
    const [key, value] = [Buffer.from(`sensor-${at % 10}`), Buffer.from(`${at}`)]
    levada.writer_send(writer, ANY, key, key.length, value, value.length)
  }
  // The last one says where it came from, and its tag comes back with what became of it.
  const headers = made(levada.headers_new)
  const [key, value, source] = ['sensor-0', `${RECORDS}`, 'node'].map(text => Buffer.from(text))
  levada.headers_add(headers, 'source', source, source.length)
  levada.writer_send_record(writer, ANY, NOW, headers, key, key.length, value, value.length, 42n)
  levada.producer_flush(producer, FOR_EVER)

  const reports = made(levada.producer_poll, producer, FOR_EVER)
  assert.equal(levada.reports_count(reports), 1)
  assert.equal(levada.reports_tag(reports, 0), 42n)
  assert.ok(levada.reports_offset(reports, 0) >= 0)

  assert.throws(() => made(levada.writer_new, producer, 'nowhere'), error =>
    error.status === NOT_FOUND && !error.retriable && error.message.includes('nowhere'))

  levada.producer_close(producer, FOR_EVER)
  levada.reports_free(reports)
  levada.headers_free(headers)
  levada.writer_free(writer)
  levada.producer_free(producer)
}

function read (database) {
  const options = ['group.id', 'totals', 'auto.offset.reset', 'earliest', 'enable.auto.commit', 'false', null]
  const consumer = made(levada.consumer_new, database, options)
  levada.consumer_subscribe(consumer, ['readings', null])
  let [records, sum, headers] = [0, 0, 0]
  while (records < RECORDS) {
    const batch = made(levada.consumer_poll, consumer, 0, FOR_EVER)
    const count = levada.batch_count(batch)
    const values = koffi.decode(levada.batch_values(batch), 'void *', count)
    const sizes = koffi.decode(levada.batch_value_sizes(batch), 'size_t', count)
    for (let at = 0; at < count; at++) {
      sum += Number(koffi.decode.string(values[at], sizes[at]))
      headers += levada.batch_header_count(batch, at)
    }
    records += count
    levada.batch_free(batch)
  }
  assert.equal(headers, 1)
  levada.consumer_commit(consumer, null)
  const committed = [0, 1].map(partition => made(levada.consumer_committed, consumer, 'readings', partition))
  assert.equal(committed[0] + committed[1], RECORDS)
  levada.consumer_close(consumer)
  levada.consumer_free(consumer)
  return { records, sum }
}

// The library calls back on a thread of its own, koffi brings that to this one: so nothing here may wait for the
// callback but by `await`.
async function hear (database) {
  const outcomes = []
  const producer = made(levada.producer_new, database, null)
  const callback = koffi.register((_, tag, partition, offset) => outcomes.push({ tag, offset }), 'delivered *')
  levada.producer_on_delivery(producer, callback, null)
  const writer = made(levada.writer_new, producer, 'readings')
  levada.writer_send_record(writer, ANY, NOW, null, null, 0, Buffer.from('0'), 1, 7n)
  await levada.producer_flush.async(producer, FOR_EVER)
  assert.equal(outcomes.length, 1)
  assert.ok(outcomes[0].tag === 7n && outcomes[0].offset >= 0)
  await levada.producer_close.async(producer, FOR_EVER)
  levada.writer_free(writer)
  levada.producer_free(producer)
  koffi.unregister(callback)
}

const database = made(levada.database_open, process.argv[2], null)
levada.topic_create(database, 'readings', 2, null)
write(database)
const { records, sum } = read(database)
await hear(database)
levada.database_close(database)
levada.database_free(database)
assert.equal(levada.handle_count(), 0)
console.log(JSON.stringify({ language: 'Node', records, sum }))
