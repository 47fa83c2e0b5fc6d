import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own client, driven by the command protocol described in tests/compat/harness. */
public final class Client {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String SETTING = "max.message.bytes";

    interface Step {
        void run() throws Exception;
    }

    final String bootstrap;
    final JsonNode request;
    final String topic;

    Client(String bootstrap, JsonNode request) {
        this.bootstrap = bootstrap;
        this.request = request;
        this.topic = request.path("topic").asText();
    }

    static synchronized void emit(ObjectNode line) {
        System.out.println(line);
        System.out.flush();
    }

    static boolean step(String name, Step step) {
        ObjectNode line = JSON.createObjectNode().put("step", name);
        try {
            step.run();
            emit(line.put("ok", true));
            return true;
        } catch (Exception | AssertionError error) {
            emit(line.put("ok", false).put("error", error.toString()));
            return false;
        }
    }

    /** Asks again until it holds: what a broker acknowledged may take a moment to be seen. */
    static <T> void until(T want, Callable<T> ask) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (true) {
            T got = ask.call();
            if (want.equals(got)) return;
            if (System.nanoTime() > end) throw new AssertionError(got + " is not " + want);
            Thread.sleep(100);
        }
    }

    static byte[] blob(JsonNode node) {
        return node.isNull() ? null : Base64.getDecoder().decode(node.asText());
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    static <T> T get(Future<T> future) throws Exception {
        return future.get(20, TimeUnit.SECONDS);
    }

    KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put("bootstrap.servers", bootstrap);
        all.put("delivery.timeout.ms", 15000);
        all.put("request.timeout.ms", 10000);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put("bootstrap.servers", bootstrap);
        all.put("enable.auto.commit", false);
        all.put("auto.offset.reset", "earliest");
        all.put("metadata.max.age.ms", 1000);
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    void produce() throws Exception {
        JsonNode records = JSON.readTree(new File(request.get("records").asText()));
        for (JsonNode batch : request.get("batches")) {
            step(batch.get("name").asText(), () -> produce(batch, records));
        }
    }

    void produce(JsonNode batch, JsonNode records) throws Exception {
        Map<String, Object> settings = Map.of(
            "compression.type", batch.get("codec").asText(),
            "enable.idempotence", batch.get("idempotent").asBoolean(),
            "linger.ms", 50);
        try (var producer = producer(settings)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (JsonNode record : records) {
                JsonNode at = record.get("timestamp");
                var message = new ProducerRecord<>(batch.get("topic").asText(), 0,
                    at.isNull() ? null : (Long) at.asLong(), blob(record.get("key")), blob(record.get("value")));
                for (JsonNode header : record.get("headers")) {
                    message.headers().add(header.get(0).asText(), blob(header.get(1)));
                }
                sent.add(producer.send(message));
            }
            for (var delivery : sent) get(delivery);
        }
    }

    void consume() {
        List<TopicPartition> places = new ArrayList<>();
        int left = 0;
        for (JsonNode place : request.get("topics")) {
            places.add(new TopicPartition(place.get("topic").asText(), 0));
            left += place.get("count").asInt();
        }
        try (var consumer = consumer(Map.of("isolation.level", request.get("isolation").asText()))) {
            consumer.assign(places);
            consumer.seekToBeginning(places);
            while (left > 0) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    left--;
                    ObjectNode line = JSON.createObjectNode().put("topic", record.topic())
                        .put("partition", record.partition()).put("offset", record.offset())
                        .put("timestamp", record.timestamp()).put("key", text(record.key()))
                        .put("value", text(record.value()));
                    ArrayNode headers = line.putArray("headers");
                    for (Header header : record.headers()) {
                        headers.addArray().add(header.key()).add(text(header.value()));
                    }
                    emit(line);
                }
            }
        }
    }

    static void assigned(Collection<TopicPartition> all) {
        ArrayNode mine = JSON.createArrayNode();
        var sorted = new TreeSet<Integer>();
        for (TopicPartition place : all) sorted.add(place.partition());
        sorted.forEach(mine::add);
        emit(JSON.createObjectNode().set("assigned", mine));
    }

    static void pair(String name, int partition, long offset) {
        ObjectNode line = JSON.createObjectNode();
        line.putArray(name).add(partition).add(offset);
        emit(line);
    }

    void group() {
        Map<String, Object> settings = new HashMap<>(Map.of("group.id", request.get("group").asText()));
        if (request.get("protocol").asText().equals("consumer")) {
            settings.put("group.protocol", "consumer");
        } else {
            settings.put("session.timeout.ms", request.get("session_ms").asInt());
            settings.put("heartbeat.interval.ms", request.get("heartbeat_ms").asInt());
        }
        var consumer = consumer(settings);
        consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                var left = new TreeSet<TopicPartition>((a, b) -> a.partition() - b.partition());
                left.addAll(consumer.assignment());
                left.removeAll(partitions);
                assigned(left);
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                assigned(consumer.assignment());
            }
        });
        while (true) {
            var records = consumer.poll(Duration.ofMillis(100));
            Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
            for (var record : records) {
                pair("read", record.partition(), record.offset());
                ends.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
            }
            if (ends.isEmpty()) continue;
            try {
                consumer.commitSync(ends);
                ends.forEach((place, end) -> pair("committed", place.partition(), end.offset()));
            } catch (CommitFailedException error) {
                emit(JSON.createObjectNode().put("commit_failed", error.toString()));
            }
        }
    }

    KafkaProducer<byte[], byte[]> transactional() {
        var producer = producer(Map.of(
            "transactional.id", request.get("id").asText(), "transaction.timeout.ms", 15000, "max.block.ms", 20000));
        producer.initTransactions();
        return producer;
    }

    void put(KafkaProducer<byte[], byte[]> producer, String value) throws Exception {
        producer.beginTransaction();
        get(producer.send(new ProducerRecord<>(topic, 0, "k".getBytes(), value.getBytes())));
    }

    void transactions() throws Exception {
        List<KafkaProducer<byte[], byte[]>> started = new ArrayList<>();
        boolean committed = step("commit", () -> {
            started.add(transactional());
            put(started.get(0), "committed");
            started.get(0).commitTransaction();
        });
        if (!committed) return;
        var first = started.get(0);
        boolean aborted = step("abort", () -> {
            put(first, "aborted");
            first.abortTransaction();
        });
        if (!aborted) return;
        put(first, "fenced");
        var second = transactional();
        step("fence", () -> {
            try {
                first.commitTransaction();
            } catch (ProducerFencedException | InvalidProducerEpochException expected) {
                return;
            }
            throw new AssertionError("the first producer could commit");
        });
        step("offsets", () -> {
            put(second, "last");
            second.sendOffsetsToTransaction(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(3)),
                new ConsumerGroupMetadata(request.get("group").asText()));
            second.commitTransaction();
        });
        first.close(Duration.ZERO);
        second.close();
    }

    void admin() throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        String group = request.get("group").asText();
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var place = new TopicPartition(topic, 0);
        try (Admin admin = Admin.create(settings)) {
            Callable<Integer> partitions = () ->
                get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().size();
            Callable<String> config = () ->
                get(admin.describeConfigs(List.of(resource)).all()).get(resource).get(SETTING).value();
            step("create", () -> get(admin.createTopics(
                List.of(new NewTopic(topic, 2, (short) 1).configs(Map.of(SETTING, "131072")))).all()));
            step("describe", () -> {
                until(2, partitions);
                until("131072", config);
            });
            step("configs", () -> {
                var change = new AlterConfigOp(new ConfigEntry(SETTING, "65536"), AlterConfigOp.OpType.SET);
                get(admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all());
                until("65536", config);
            });
            step("partitions", () -> {
                get(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all());
                until(3, partitions);
            });
            step("delete_records", () -> {
                try (var producer = producer(Map.of())) {
                    for (int i = 0; i < 5; i++) get(producer.send(new ProducerRecord<>(topic, 0, null, new byte[1])));
                }
                var done = admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(3)));
                until(3L, get(done.lowWatermarks().get(place))::lowWatermark);
            });
            step("list_groups", () -> {
                if (get(admin.listGroups().all()).stream().noneMatch(g -> g.groupId().equals(group))) {
                    throw new AssertionError("the group is not listed");
                }
            });
            step("describe_group", () ->
                until(GroupState.EMPTY, () -> get(admin.describeConsumerGroups(List.of(group)).all()).get(group).groupState()));
            step("delete", () -> {
                get(admin.deleteTopics(List.of(topic)).all());
                until(false, () -> get(admin.listTopics().names()).contains(topic));
            });
        }
    }

    public static void main(String[] arguments) throws Exception {
        var client = new Client(arguments[0], JSON.readTree(new File(arguments[2])));
        switch (arguments[1]) {
            case "produce" -> client.produce();
            case "consume" -> client.consume();
            case "group" -> client.group();
            case "transactions" -> client.transactions();
            case "admin" -> client.admin();
            default -> throw new IllegalArgumentException(arguments[1]);
        }
    }
}
