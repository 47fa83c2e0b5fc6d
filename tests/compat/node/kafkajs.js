// kafkajs. Of the codecs it has gzip itself and asks for the others, as its documentation shows.

import { compress, init as zstd } from '@bokuweb/zstd-wasm'
import { decompress } from 'fzstd'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { emit, equal, main, records, step, text, until } from './wire.js'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
const SETTING = 'max.message.bytes'

await zstd()
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => lz4.compressFrameSync(encoder.buffer),
  decompress: async data => lz4.decompressFrameSync(data)
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(compress(encoder.buffer)),
  decompress: async data => Buffer.from(decompress(data))
})

const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}

function client (bootstrap) {
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 5 } })
}

// Headers are an object: a name that is repeated has an array.
function object (headers) {
  const made = {}
  for (const [name, value] of headers) {
    made[name] = name in made ? [made[name], value].flat() : value
  }
  return made
}

function list (headers) {
  return Object.entries(headers ?? {}).flatMap(([name, values]) =>
    [values].flat().map(value => [name, text(value)])
  )
}

async function produce (bootstrap, request) {
  for (const batch of request.batches) {
    await step(batch.name, async () => {
      const producer = client(bootstrap).producer({ idempotent: batch.idempotent, allowAutoTopicCreation: false })
      await producer.connect()
      await producer.send({
        topic: batch.topic,
        compression: CODECS[batch.codec],
        messages: records(request).map(r => ({
          key: r.key,
          value: r.value,
          headers: object(r.headers),
          partition: 0,
          timestamp: r.timestamp === null ? undefined : String(r.timestamp)
        }))
      })
      await producer.disconnect()
    })
  }
}

async function consume (bootstrap, request) {
  const left = new Map(request.topics.map(t => [t.topic, t.count]))
  const consumer = client(bootstrap).consumer({
    groupId: `consume-${process.pid}-${Date.now()}`,
    readUncommitted: request.isolation === 'read_uncommitted'
  })
  await consumer.connect()
  await consumer.subscribe({ topics: request.topics.map(t => t.topic), fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, event => reject(event.payload.error))
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        emit({
          topic,
          partition,
          offset: Number(message.offset),
          timestamp: Number(message.timestamp),
          key: text(message.key),
          value: text(message.value),
          headers: list(message.headers)
        })
        left.set(topic, left.get(topic) - 1)
        if (![...left.values()].some(count => count > 0)) resolve()
      }
    })
  })
}

async function group (bootstrap, request) {
  const consumer = client(bootstrap).consumer({
    groupId: request.group,
    sessionTimeout: request.session_ms,
    heartbeatInterval: request.heartbeat_ms,
    rebalanceTimeout: request.session_ms,
    metadataMaxAge: 1000,
    maxWaitTimeInMs: 200
  })
  consumer.on(consumer.events.GROUP_JOIN, event => {
    emit({ assigned: (event.payload.memberAssignment[request.topic] ?? []).sort((a, b) => a - b) })
  })
  consumer.on(consumer.events.REBALANCING, () => emit({ assigned: [] }))
  await consumer.connect()
  await consumer.subscribe({ topics: [request.topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 6,
    eachMessage: async ({ topic, partition, message }) => {
      const next = Number(message.offset) + 1
      emit({ read: [partition, next - 1] })
      await consumer.commitOffsets([{ topic, partition, offset: String(next) }])
      emit({ committed: [partition, next] })
    }
  })
  await new Promise(() => {})
}

async function transactions (bootstrap, request) {
  const topic = request.topic
  const start = async () => {
    const producer = client(bootstrap).producer({
      transactionalId: request.id,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: 15000
    })
    await producer.connect()
    return producer
  }
  const put = async (producer, value) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ key: 'k', value, partition: 0 }] })
    return transaction
  }
  let first
  const committed = await step('commit', async () => {
    first = await start()
    await (await put(first, 'committed')).commit()
  })
  if (!committed || !(await step('abort', async () => (await put(first, 'aborted')).abort()))) return
  const open = await put(first, 'fenced')
  const second = await start()
  // The client asks for a producer id only here.
  await (await second.transaction()).abort()
  await step('fence', async () => {
    try {
      await open.commit()
    } catch (error) {
      if (/PRODUCER_FENCED|INVALID_PRODUCER_EPOCH/.test(error.type)) return
      throw error
    }
    throw new Error('the first producer could commit')
  })
  await step('offsets', async () => {
    const transaction = await put(second, 'last')
    await transaction.sendOffsets({
      consumerGroupId: request.group,
      topics: [{ topic, partitions: [{ partition: 0, offset: '3' }] }]
    })
    await transaction.commit()
  })
}

async function admin (bootstrap, request) {
  const topic = request.topic
  const tools = client(bootstrap).admin()
  await tools.connect()
  const type = ConfigResourceTypes.TOPIC
  const partitions = async () => (await tools.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length
  const config = async () => {
    const found = await tools.describeConfigs({ resources: [{ type, name: topic }], includeSynonyms: false })
    return found.resources[0].configEntries.find(e => e.configName === SETTING).configValue
  }
  await step('create', async () => {
    const configEntries = [{ name: SETTING, value: '131072' }]
    const created = await tools.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1, configEntries }] })
    equal(created, true)
  })
  await step('describe', async () => {
    await until(2, partitions)
    await until('131072', config)
  })
  await step('configs', async () => {
    const configEntries = [{ name: SETTING, value: '65536' }]
    await tools.alterConfigs({ resources: [{ type, name: topic, configEntries }] })
    await until('65536', config)
  })
  await step('partitions', async () => {
    await tools.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await until(3, partitions)
  })
  await step('delete_records', async () => {
    const producer = client(bootstrap).producer()
    await producer.connect()
    await producer.send({ topic, messages: Array(5).fill({ value: 'x', partition: 0 }) })
    await producer.disconnect()
    await tools.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    const offsets = await tools.fetchTopicOffsets(topic)
    equal(offsets.find(o => o.partition === 0).low, '3')
  })
  await step('list_groups', async () => {
    const { groups } = await tools.listGroups()
    equal(groups.some(g => g.groupId === request.group), true)
  })
  await step('describe_group', async () => {
    equal((await tools.describeGroups([request.group])).groups[0].state, 'Empty')
  })
  await step('delete', async () => {
    await tools.deleteTopics({ topics: [topic] })
    await until(false, async () => (await tools.listTopics()).includes(topic))
  })
}

await main({ produce, consume, group, transactions, admin })
