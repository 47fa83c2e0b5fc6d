// @platformatic/kafka.

import zlib from 'node:zlib'
import { Admin, ConfigResourceTypes, Consumer, IncrementalAlterConfigOperationTypes, Producer } from '@platformatic/kafka'
import { NotOffered, emit, equal, main, records, step, text, until } from './wire.js'

const SETTING = 'max.message.bytes'
const FENCED = /PRODUCER_FENCED|INVALID_PRODUCER_EPOCH/

function base (bootstrap) {
  return { clientId: 'compat', bootstrapBrokers: [bootstrap], retries: 5, autocreateTopics: false }
}

async function produce (bootstrap, request) {
  for (const batch of request.batches) {
    await step(batch.name, async () => {
      // The client compresses with what Node has, which is not all in every version.
      if (batch.codec === 'zstd' && !zlib.zstdCompressSync) throw new NotOffered()
      const producer = new Producer({ ...base(bootstrap), idempotent: batch.idempotent })
      await producer.send({
        acks: -1,
        compression: batch.codec,
        messages: records(request).map(r => ({
          topic: batch.topic,
          partition: 0,
          key: r.key ?? undefined,
          value: r.value,
          headers: new Map(r.headers.map(([name, value]) => [Buffer.from(name), value])),
          timestamp: r.timestamp === null ? undefined : BigInt(r.timestamp)
        }))
      })
      await producer.close()
    })
  }
}

async function consume (bootstrap, request) {
  let left = request.topics.reduce((sum, place) => sum + place.count, 0)
  const consumer = new Consumer({ ...base(bootstrap), groupId: `consume-${process.pid}-${Date.now()}`, maxWaitTime: 500 })
  const stream = await consumer.consume({
    topics: request.topics.map(place => place.topic),
    mode: 'earliest',
    autocommit: false,
    isolationLevel: request.isolation === 'read_committed' ? 1 : 0
  })
  for await (const message of stream) {
    emit({
      topic: message.topic,
      partition: message.partition,
      offset: Number(message.offset),
      timestamp: Number(message.timestamp),
      key: text(message.key),
      value: text(message.value),
      headers: [...message.headers].map(([name, value]) => [name.toString(), text(value)])
    })
    if (--left === 0) break
  }
}

async function group (bootstrap, request) {
  const protocol =
    request.protocol === 'consumer'
      ? { groupProtocol: 'consumer' }
      : { sessionTimeout: request.session_ms, heartbeatInterval: request.heartbeat_ms, rebalanceTimeout: request.session_ms }
  const consumer = new Consumer({ ...base(bootstrap), ...protocol, metadataMaxAge: 1000, groupId: request.group, maxWaitTime: 200 })
  // The client hands out what a fetch brings that was begun under the assignment before: a new one counts
  // when that fetch is over.
  let seen
  let pending
  const say = () => {
    if (pending) emit({ assigned: pending })
    pending = undefined
  }
  setInterval(() => {
    const mine = (consumer.assignments ?? []).flatMap(a => (a.topic === request.topic ? a.partitions : [])).sort((a, b) => a - b)
    if (JSON.stringify(mine) !== seen) {
      seen = JSON.stringify(mine)
      pending = mine
      // Nothing is fetched without one.
      if (mine.length === 0) say()
    }
  }, 50)
  const stream = await consumer.consume({
    topics: [request.topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false
  })
  stream.on('fetch', say)
  for await (const message of stream) {
    const offset = Number(message.offset)
    emit({ read: [message.partition, offset] })
    try {
      await message.commit()
    } catch (error) {
      emit({ commit_failed: error.message })
      continue
    }
    emit({ committed: [message.partition, offset + 1] })
  }
}

function fenced (error) {
  return FENCED.test(error.apiId) || FENCED.test(error.message) || [error.cause, ...(error.errors ?? [])].filter(Boolean).some(fenced)
}

async function transactions (bootstrap, request) {
  const topic = request.topic
  const producer = () => new Producer({ ...base(bootstrap), transactionalId: request.id, idempotent: true })
  const put = async (producer, value, options) => {
    const transaction = await producer.beginTransaction(options)
    await transaction.send({ messages: [{ topic, partition: 0, key: Buffer.from('k'), value: Buffer.from(value) }] })
    return transaction
  }
  const first = producer()
  if (!(await step('commit', async () => (await put(first, 'committed')).commit()))) return
  if (!(await step('abort', async () => (await put(first, 'aborted')).abort()))) return
  const open = await put(first, 'fenced')
  const second = producer()
  // The client asks for a producer id only here, and unless it is told otherwise for one that it had.
  const anew = { producerId: -1n, producerEpoch: -1 }
  await (await second.beginTransaction(anew)).cancel()
  await step('fence', async () => {
    try {
      await open.commit()
    } catch (error) {
      if (fenced(error)) return
      throw error
    }
    throw new Error('the first producer could commit')
  })
  // The client commits the offset of a record that it consumed.
  await step('offsets', async () => {
    const consumer = new Consumer({ ...base(bootstrap), groupId: request.group })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, isolationLevel: 1 })
    const { value } = await stream[Symbol.asyncIterator]().next()
    const transaction = await put(second, 'last', anew)
    await transaction.addConsumer(consumer)
    await transaction.addOffset(value)
    await transaction.commit()
  })
}

async function admin (bootstrap, request) {
  const topic = request.topic
  const tools = new Admin(base(bootstrap))
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
  const partitions = async () => (await tools.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitions.length
  const config = async () => {
    const found = await tools.describeConfigs({ resources: [{ ...resource, configurationKeys: [SETTING] }] })
    return found[0].configs[0].value
  }
  await step('create', () =>
    tools.createTopics({ topics: [topic], partitions: 2, replicas: 1, configs: [{ name: SETTING, value: '131072' }] })
  )
  await step('describe', async () => {
    await until(2, partitions)
    await until('131072', config)
  })
  await step('configs', async () => {
    const configs = [{ name: SETTING, configOperation: IncrementalAlterConfigOperationTypes.SET, value: '65536' }]
    await tools.incrementalAlterConfigs({ resources: [{ ...resource, configs }] })
    await until('65536', config)
  })
  await step('partitions', async () => {
    // The client wants to be told where.
    const brokerIds = [(await tools.metadata({ topics: [topic] })).brokers.keys().next().value]
    await tools.createPartitions({ topics: [{ name: topic, count: 3, assignments: [{ brokerIds }] }] })
    await until(3, partitions)
  })
  await step('delete_records', async () => {
    const producer = new Producer(base(bootstrap))
    await producer.send({ acks: -1, messages: Array.from({ length: 5 }, () => ({ topic, partition: 0, value: Buffer.from('x') })) })
    const done = await tools.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] })
    equal(done[0].partitions[0].lowWatermark, 3n)
  })
  await step('list_groups', async () => equal((await tools.listGroups()).has(request.group), true))
  await step('describe_group', async () => {
    const found = await tools.describeGroups({ groups: [request.group] })
    equal(String(found.get(request.group).state).toUpperCase(), 'EMPTY')
  })
  await step('delete', async () => {
    await tools.deleteTopics({ topics: [topic] })
    await until(false, async () => (await tools.listTopics()).includes(topic))
  })
}

await main({ produce, consume, group, transactions, admin })
