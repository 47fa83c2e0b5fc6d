import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Copies one topic into another with a cluster of its own, fails once on the way if told to, and ends at the end
 * of the topic. Arguments: bootstrap, source, target, directory for checkpoints, naming strategy, place of the
 * failure ("record", "checkpoint" or "none").
 */
public class Copy {
    static final AtomicInteger mapped = new AtomicInteger();
    static final AtomicInteger checkpoints = new AtomicInteger();
    static final AtomicBoolean failed = new AtomicBoolean();

    /** Slow enough that several checkpoints are taken, and the failure. */
    static class Mapper extends RichMapFunction<String, String> implements CheckpointListener {
        final String place;

        Mapper(String place) {
            this.place = place;
        }

        static void fail(String where) {
            if (mapped.get() >= 8000 && checkpoints.get() >= 4 && failed.compareAndSet(false, true)) {
                System.out.println("failing " + where + " after " + mapped.get() + " records");
                throw new IllegalStateException("injected");
            }
        }

        @Override
        public String map(String value) throws Exception {
            int count = mapped.incrementAndGet();
            if (count % 20 == 0) {
                Thread.sleep(10);
            }
            if (count % 4000 == 0) {
                System.out.println(count + " records");
            }
            if (place.equals("record")) {
                fail("at a record");
            }
            return value;
        }

        @Override
        public void notifyCheckpointComplete(long id) {
            checkpoints.incrementAndGet();
            // The transactions of this checkpoint were prepared, and are committed after the restart only.
            if (place.equals("checkpoint")) {
                fail("at checkpoint " + id);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[0];
        Configuration settings = new Configuration();
        settings.setString("execution.checkpointing.interval", "500ms");
        settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        settings.setString("execution.checkpointing.storage", "filesystem");
        settings.setString("execution.checkpointing.dir", "file://" + arguments[3]);
        settings.setString("restart-strategy.type", "fixed-delay");
        settings.setString("restart-strategy.fixed-delay.attempts", "20");
        settings.setString("restart-strategy.fixed-delay.delay", "200ms");
        settings.setString("taskmanager.memory.network.min", "16mb");
        settings.setString("taskmanager.memory.network.max", "16mb");
        settings.setString("taskmanager.memory.managed.size", "16mb");
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(2, settings);

        KafkaSource<String> source = KafkaSource.<String>builder()
                .setBootstrapServers(bootstrap)
                .setTopics(arguments[1])
                .setGroupId(arguments[1])
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setValueOnlyDeserializer(new SimpleStringSchema())
                // Small polls, or a checkpoint would find all of it read.
                .setProperty("max.poll.records", "50")
                .build();
        KafkaSink<String> sink = KafkaSink.<String>builder()
                .setBootstrapServers(bootstrap)
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(arguments[2])
                .setTransactionNamingStrategy(TransactionNamingStrategy.valueOf(arguments[4]))
                .setProperty("transaction.timeout.ms", "60000")
                .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder()
                        .setTopic(arguments[2])
                        .setValueSerializationSchema(new SimpleStringSchema())
                        .build())
                .build();
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), "source")
                .map(new Mapper(arguments[5]))
                .sinkTo(sink);
        environment.execute("copy");
        System.out.println("mapped " + mapped + " records, " + checkpoints + " checkpoints, failed " + failed);
    }
}
