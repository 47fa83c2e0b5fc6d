// franz-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"levada/compat/wire"
)

const setting = "max.message.bytes"

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Second)
}

func client(bootstrap string, options ...kgo.Opt) *kgo.Client {
	options = append(options, kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	made, err := kgo.NewClient(options...)
	wire.Must(err)
	return made
}

func produce(bootstrap string, request wire.Request) {
	for _, batch := range request.Batches {
		options := []kgo.Opt{kgo.ProducerBatchCompression(codecs[batch.Codec]), kgo.ProducerLinger(50 * time.Millisecond)}
		if !batch.Idempotent {
			options = append(options, kgo.DisableIdempotentWrite())
		}
		producer := client(bootstrap, options...)
		var records []*kgo.Record
		for _, r := range request.Wanted() {
			record := &kgo.Record{Topic: batch.Topic, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp)}
			for _, h := range r.Headers {
				record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
			}
			records = append(records, record)
		}
		ctx, cancel := limited()
		wire.Outcome(batch.Name, producer.ProduceSync(ctx, records...).FirstErr())
		cancel()
		producer.Close()
	}
}

func consume(bootstrap string, request wire.Request) {
	at := map[string]map[int32]kgo.Offset{}
	left := 0
	for _, place := range request.Topics {
		at[place.Topic] = map[int32]kgo.Offset{0: kgo.NewOffset().AtStart()}
		left += place.Count
	}
	isolation := kgo.ReadUncommitted()
	if request.Isolation == "read_committed" {
		isolation = kgo.ReadCommitted()
	}
	consumer := client(bootstrap, kgo.ConsumePartitions(at), kgo.FetchIsolationLevel(isolation))
	for left > 0 {
		fetches := consumer.PollFetches(context.Background())
		wire.Must(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			line := wire.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value, Headers: []wire.Header{}}
			for _, h := range r.Headers {
				line.Headers = append(line.Headers, wire.Header{Key: h.Key, Value: h.Value})
			}
			wire.Emit(line)
		})
	}
}

func group(bootstrap string, request wire.Request) {
	var lock sync.Mutex
	mine := map[int32]bool{}
	changed := func(holds bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changes map[string][]int32) {
			lock.Lock()
			defer lock.Unlock()
			for _, partition := range changes[request.Topic] {
				if holds {
					mine[partition] = true
				} else {
					delete(mine, partition)
				}
			}
			all := []int32{}
			for partition := range mine {
				all = append(all, partition)
			}
			slices.Sort(all)
			wire.Emit(map[string]any{"assigned": all})
		}
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(request.Group), kgo.ConsumeTopics(request.Topic), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(changed(true)), kgo.OnPartitionsRevoked(changed(false)), kgo.OnPartitionsLost(changed(false)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(200 * time.Millisecond), kgo.MetadataMaxAge(time.Second),
	}
	if request.Protocol == "consumer" {
		// The client keeps this protocol behind a word in the context while it is new.
		options = append(options, kgo.WithContext(context.WithValue(context.Background(), "opt_in_kafka_next_gen_balancer_beta", true)))
	} else {
		options = append(options,
			kgo.SessionTimeout(time.Duration(request.Session)*time.Millisecond),
			kgo.HeartbeatInterval(time.Duration(request.Heartbeat)*time.Millisecond))
	}
	consumer := client(bootstrap, options...)
	for {
		fetches := consumer.PollFetches(context.Background())
		records := fetches.Records()
		for _, r := range records {
			wire.Emit(map[string]any{"read": []int64{int64(r.Partition), r.Offset}})
		}
		if err := consumer.CommitRecords(context.Background(), records...); err != nil {
			wire.Emit(map[string]any{"commit_failed": err.Error()})
			continue
		}
		for _, r := range records {
			wire.Emit(map[string]any{"committed": []int64{int64(r.Partition), r.Offset + 1}})
		}
	}
}

func transactions(bootstrap string, request wire.Request) {
	start := func() *kgo.Client {
		return client(bootstrap, kgo.TransactionalID(request.ID), kgo.TransactionTimeout(15*time.Second))
	}
	put := func(producer *kgo.Client, value string) error {
		ctx, cancel := limited()
		defer cancel()
		record := &kgo.Record{Topic: request.Topic, Key: []byte("k"), Value: []byte(value)}
		return producer.ProduceSync(ctx, record).FirstErr()
	}
	run := func(producer *kgo.Client, value string, end kgo.TransactionEndTry) error {
		if err := producer.BeginTransaction(); err != nil {
			return err
		}
		if err := put(producer, value); err != nil {
			return err
		}
		ctx, cancel := limited()
		defer cancel()
		return producer.EndTransaction(ctx, end)
	}
	first := start()
	if !wire.Outcome("commit", run(first, "committed", kgo.TryCommit)) || !wire.Outcome("abort", run(first, "aborted", kgo.TryAbort)) {
		return
	}
	wire.Must(first.BeginTransaction())
	wire.Must(put(first, "fenced"))
	second := start()
	ctx, cancel := limited()
	defer cancel()
	_, _, err := second.ProducerID(ctx)
	wire.Must(err)
	err = first.EndTransaction(ctx, kgo.TryCommit)
	switch {
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		err = nil
	case err == nil:
		err = errors.New("the first producer could commit")
	}
	wire.Outcome("fence", err)
	wire.Outcome("offsets", offsets(second, put, request))
}

// The client commits offsets in a transaction through kadm, or in a GroupTransactSession that also consumes.
func offsets(producer *kgo.Client, put func(*kgo.Client, string) error, request wire.Request) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(producer.OptValue(kgo.SeedBrokers).([]string)...), kgo.TransactionalID(request.ID+"-session"),
		kgo.ConsumerGroup(request.Group), kgo.ConsumeTopics(request.Topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer session.Close()
	ctx, cancel := limited()
	defer cancel()
	// The one record that was committed; the position then is past it, at its offset + 1.
	if fetches := session.PollFetches(ctx); fetches.Err() != nil {
		return fetches.Err()
	}
	if err := session.Begin(); err != nil {
		return err
	}
	if err := put(session.Client(), "last"); err != nil {
		return err
	}
	committed, err := session.End(ctx, kgo.TryCommit)
	if err == nil && !committed {
		err = errors.New("the session did not commit")
	}
	return err
}

func admin(bootstrap string, request wire.Request) {
	topic := request.Topic
	base := client(bootstrap)
	tools := kadm.NewClient(base)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	partitions := func() (int, error) {
		details, err := tools.ListTopics(ctx, topic)
		return len(details[topic].Partitions), err
	}
	config := func() (string, error) {
		found, err := tools.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			return "", err
		}
		for _, entry := range found[0].Configs {
			if entry.Key == setting {
				return entry.MaybeValue(), nil
			}
		}
		return "", errors.New("no such setting")
	}
	value := "131072"
	_, err := tools.CreateTopic(ctx, 2, 1, map[string]*string{setting: &value}, topic)
	wire.Outcome("create", err)
	err = wire.Until(2, partitions)
	if err == nil {
		err = wire.Until(value, config)
	}
	wire.Outcome("describe", err)
	changed := "65536"
	altered, err := tools.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: setting, Value: &changed}}, topic)
	if err == nil {
		err = errors.Join(altered[0].Err, wire.Until(changed, config))
	}
	wire.Outcome("configs", err)
	grown, err := tools.UpdatePartitions(ctx, 3, topic)
	if err == nil {
		err = errors.Join(grown.Error(), wire.Until(3, partitions))
	}
	wire.Outcome("partitions", err)
	wire.Outcome("delete_records", deleteRecords(ctx, base, tools, topic))
	groups, err := tools.ListGroups(ctx)
	if _, found := groups[request.Group]; err == nil && !found {
		err = errors.New("the group is not listed")
	}
	wire.Outcome("list_groups", err)
	described, err := tools.DescribeGroups(ctx, request.Group)
	if state := described[request.Group].State; err == nil && state != "Empty" {
		err = fmt.Errorf("state %q: %w", state, errors.Join(described.Error()))
	}
	wire.Outcome("describe_group", err)
	_, err = tools.DeleteTopic(ctx, topic)
	if err == nil {
		err = wire.Until(false, func() (bool, error) {
			all, err := tools.ListTopics(ctx)
			return all.Has(topic), err
		})
	}
	wire.Outcome("delete", err)
}

func deleteRecords(ctx context.Context, base *kgo.Client, tools *kadm.Client, topic string) error {
	for range 5 {
		if err := base.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			return err
		}
	}
	var upTo kadm.Offsets
	upTo.AddOffset(topic, 0, 3, -1)
	done, err := tools.DeleteRecords(ctx, upTo)
	if err != nil {
		return err
	}
	if got := done[topic][0]; got.Err != nil || got.LowWatermark != 3 {
		return fmt.Errorf("low watermark %d: %w", got.LowWatermark, errors.Join(got.Err))
	}
	return nil
}

func main() {
	wire.Main(map[string]func(string, wire.Request){
		"produce": produce, "consume": consume, "group": group, "transactions": transactions, "admin": admin,
	})
}
