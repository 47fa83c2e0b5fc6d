// sarama.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"levada/compat/wire"
)

const setting = "max.message.bytes"

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func config() *sarama.Config {
	made := sarama.NewConfig()
	made.Version = sarama.MaxVersion
	made.Metadata.RefreshFrequency = time.Second
	made.Producer.Return.Successes = true
	made.Producer.Partitioner = sarama.NewManualPartitioner
	return made
}

// encode keeps nil and empty apart, as the client does.
func encode(data []byte) sarama.Encoder {
	if data == nil {
		return nil
	}
	return sarama.ByteEncoder(data)
}

func send(bootstrap string, settings *sarama.Config, request wire.Request, topic string) error {
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, settings)
	if err != nil {
		return err
	}
	defer producer.Close()
	var many []*sarama.ProducerMessage
	for _, r := range request.Wanted() {
		message := &sarama.ProducerMessage{Topic: topic, Key: encode(r.Key), Value: encode(r.Value), Timestamp: time.UnixMilli(r.Timestamp)}
		for _, h := range r.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
		}
		many = append(many, message)
	}
	return producer.SendMessages(many)
}

func produce(bootstrap string, request wire.Request) {
	for _, batch := range request.Batches {
		settings := config()
		settings.Producer.Compression = codecs[batch.Codec]
		settings.Producer.RequiredAcks = sarama.WaitForAll
		if batch.Idempotent {
			settings.Producer.Idempotent = true
			settings.Net.MaxOpenRequests = 1
		}
		wire.Outcome(batch.Name, send(bootstrap, settings, request, batch.Topic))
	}
}

func consume(bootstrap string, request wire.Request) {
	settings := config()
	if request.Isolation == "read_committed" {
		settings.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	consumer, err := sarama.NewConsumer([]string{bootstrap}, settings)
	wire.Must(err)
	for _, place := range request.Topics {
		partition, err := consumer.ConsumePartition(place.Topic, 0, sarama.OffsetOldest)
		wire.Must(err)
		for range place.Count {
			m := <-partition.Messages()
			line := wire.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Timestamp: m.Timestamp.UnixMilli(), Key: m.Key, Value: m.Value, Headers: []wire.Header{}}
			for _, h := range m.Headers {
				line.Headers = append(line.Headers, wire.Header{Key: string(h.Key), Value: h.Value})
			}
			wire.Emit(line)
		}
	}
}

type member struct{ topic string }

func (m member) Setup(session sarama.ConsumerGroupSession) error {
	mine := slices.Sorted(slices.Values(session.Claims()[m.topic]))
	if mine == nil {
		mine = []int32{}
	}
	wire.Emit(map[string]any{"assigned": mine})
	return nil
}

func (member) Cleanup(sarama.ConsumerGroupSession) error {
	wire.Emit(map[string]any{"assigned": []int32{}})
	return nil
}

func (member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		wire.Emit(map[string]any{"read": []int64{int64(message.Partition), message.Offset}})
		session.MarkMessage(message, "")
		session.Commit()
		wire.Emit(map[string]any{"committed": []int64{int64(message.Partition), message.Offset + 1}})
	}
	return nil
}

func group(bootstrap string, request wire.Request) {
	settings := config()
	settings.Consumer.Offsets.Initial = sarama.OffsetOldest
	settings.Consumer.Offsets.AutoCommit.Enable = false
	settings.Consumer.Group.Session.Timeout = time.Duration(request.Session) * time.Millisecond
	settings.Consumer.Group.Heartbeat.Interval = time.Duration(request.Heartbeat) * time.Millisecond
	settings.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	consumer, err := sarama.NewConsumerGroup([]string{bootstrap}, request.Group, settings)
	wire.Must(err)
	for {
		wire.Must(consumer.Consume(context.Background(), []string{request.Topic}, member{request.Topic}))
	}
}

func transactions(bootstrap string, request wire.Request) {
	start := func() (sarama.SyncProducer, error) {
		settings := config()
		settings.Producer.Idempotent = true
		settings.Net.MaxOpenRequests = 1
		settings.Producer.RequiredAcks = sarama.WaitForAll
		settings.Producer.Transaction.ID = request.ID
		settings.Producer.Transaction.Timeout = 15 * time.Second
		return sarama.NewSyncProducer([]string{bootstrap}, settings)
	}
	put := func(producer sarama.SyncProducer, value string) error {
		if err := producer.BeginTxn(); err != nil {
			return err
		}
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: request.Topic, Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder(value)})
		return err
	}
	first, err := start()
	if err == nil {
		err = put(first, "committed")
	}
	if err == nil {
		err = first.CommitTxn()
	}
	if !wire.Outcome("commit", err) {
		return
	}
	if err = put(first, "aborted"); err == nil {
		err = first.AbortTxn()
	}
	if !wire.Outcome("abort", err) {
		return
	}
	wire.Must(put(first, "fenced"))
	second, err := start()
	wire.Must(err)
	err = first.CommitTxn()
	switch {
	case errors.Is(err, sarama.ErrProducerFenced), errors.Is(err, sarama.ErrInvalidProducerEpoch):
		err = nil
	case err == nil:
		err = errors.New("the first producer could commit")
	}
	wire.Outcome("fence", err)
	if err = put(second, "last"); err == nil {
		at := map[string][]*sarama.PartitionOffsetMetadata{request.Topic: {{Partition: 0, Offset: 3, LeaderEpoch: -1}}}
		err = second.AddOffsetsToTxn(at, request.Group)
	}
	if err == nil {
		err = second.CommitTxn()
	}
	wire.Outcome("offsets", err)
}

func admin(bootstrap string, request wire.Request) {
	topic := request.Topic
	tools, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	wire.Must(err)
	partitions := func() (int, error) {
		found, err := tools.DescribeTopics([]string{topic})
		if err != nil {
			return 0, err
		}
		return len(found[0].Partitions), nil
	}
	current := func() (string, error) {
		entries, err := tools.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{setting}})
		if err != nil || len(entries) == 0 {
			return "", errors.Join(errors.New("no such setting"), err)
		}
		return entries[0].Value, nil
	}
	value, changed := "131072", "65536"
	wire.Outcome("create", tools.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{setting: &value}}, false))
	wire.Outcome("describe", errors.Join(wire.Until(2, partitions), wire.Until(value, current)))
	entries := map[string]sarama.IncrementalAlterConfigsEntry{setting: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &changed}}
	err = tools.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false)
	if err == nil {
		err = wire.Until(changed, current)
	}
	wire.Outcome("configs", err)
	err = tools.CreatePartitions(topic, 3, nil, false)
	if err == nil {
		err = wire.Until(3, partitions)
	}
	wire.Outcome("partitions", err)
	wire.Outcome("delete_records", deleteRecords(bootstrap, tools, topic))
	groups, err := tools.ListConsumerGroups()
	if _, found := groups[request.Group]; err == nil && !found {
		err = errors.New("the group is not listed")
	}
	wire.Outcome("list_groups", err)
	described, err := tools.DescribeConsumerGroups([]string{request.Group})
	if err == nil && described[0].State != "Empty" {
		err = fmt.Errorf("state %q", described[0].State)
	}
	wire.Outcome("describe_group", err)
	err = tools.DeleteTopic(topic)
	if err == nil {
		err = wire.Until(false, func() (bool, error) {
			all, err := tools.ListTopics()
			_, found := all[topic]
			return found, err
		})
	}
	wire.Outcome("delete", err)
}

func deleteRecords(bootstrap string, tools sarama.ClusterAdmin, topic string) error {
	settings := config()
	// Only what is acknowledged by all can be deleted at once.
	settings.Producer.RequiredAcks = sarama.WaitForAll
	client, err := sarama.NewClient([]string{bootstrap}, settings)
	if err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return err
	}
	for range 5 {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")}); err != nil {
			return err
		}
	}
	if err := tools.DeleteRecords(topic, map[int32]int64{0: 3}); err != nil {
		return err
	}
	return wire.Until(3, func() (int64, error) { return client.GetOffset(topic, 0, sarama.OffsetOldest) })
}

func main() {
	wire.Main(map[string]func(string, wire.Request){
		"produce": produce, "consume": consume, "group": group, "transactions": transactions, "admin": admin,
	})
}
