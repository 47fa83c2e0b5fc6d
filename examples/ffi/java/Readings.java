import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import java.util.concurrent.LinkedBlockingQueue;

/** Levada from Java, through JNA and the C ABI: writes records, reads them back, prints what they come to. */
public class Readings {
    static final int RECORDS = 1000;
    static final Levada C = Levada.LEVADA;

    record Totals(int records, long sum) {}

    record Outcome(long tag, long offset) {}

    static void check(boolean holds, String otherwise) {
        if (!holds) throw new AssertionError(otherwise);
    }

    static byte[] bytes(Object text) {
        return text.toString().getBytes(UTF_8);
    }

    static void write(Pointer database) {
        var producer = Levada.made((place, error) -> C.levada_producer_new(database, null, place, error));
        var writer = Levada.made((place, error) -> C.levada_writer_new(producer, "readings", place, error));
        for (int at = 1; at < RECORDS; at++) {
            byte[] key = bytes("sensor-" + at % 10), value = bytes(at);
            Levada.done(error -> C.levada_writer_send(
                    writer, Levada.ANY, key, key.length, value, value.length, error));
        }
        // The last one says where it came from, and its tag comes back with what became of it.
        var headers = Levada.made(C::levada_headers_new);
        byte[] key = bytes("sensor-0"), value = bytes(RECORDS), source = bytes("java");
        Levada.done(error -> C.levada_headers_add(headers, "source", source, source.length, error));
        Levada.done(error -> C.levada_writer_send_record(writer, Levada.ANY, Levada.NOW, headers,
                key, key.length, value, value.length, new Pointer(42), error));
        Levada.done(error -> C.levada_producer_flush(producer, Levada.FOR_EVER, error));

        var reports = Levada.made((place, error) -> C.levada_producer_poll(producer, Levada.FOR_EVER, place, error));
        check(C.levada_reports_count(reports) == 1, "another number of reports");
        check(Pointer.nativeValue(C.levada_reports_tag(reports, 0)) == 42, "another tag");
        check(C.levada_reports_offset(reports, 0) >= 0, "the record was not delivered");

        try {
            Levada.made((place, error) -> C.levada_writer_new(producer, "nowhere", place, error));
            check(false, "a writer to a topic that is not there");
        } catch (Levada.Failure failure) {
            check(failure.status == Levada.NOT_FOUND && !failure.retriable, "another error");
            check(failure.getMessage().contains("nowhere"), failure.getMessage());
        }

        Levada.done(error -> C.levada_producer_close(producer, Levada.FOR_EVER, error));
        C.levada_reports_free(reports);
        C.levada_headers_free(headers);
        C.levada_writer_free(writer);
        C.levada_producer_free(producer);
    }

    static Totals read(Pointer database) {
        String[] options = {"group.id", "totals", "auto.offset.reset", "earliest", "enable.auto.commit", "false"};
        var consumer = Levada.made((place, error) -> C.levada_consumer_new(database, options, place, error));
        Levada.done(error -> C.levada_consumer_subscribe(consumer, new String[] {"readings"}, error));
        int records = 0;
        long sum = 0, headers = 0;
        while (records < RECORDS) {
            var batch = Levada.made((place, error) ->
                    C.levada_consumer_poll(consumer, 0, Levada.FOR_EVER, place, error));
            int count = (int) C.levada_batch_count(batch);
            Pointer[] values = C.levada_batch_values(batch).getPointerArray(0, count);
            long[] sizes = C.levada_batch_value_sizes(batch).getLongArray(0, count);
            for (int at = 0; at < count; at++) {
                sum += Long.parseLong(new String(values[at].getByteArray(0, (int) sizes[at]), UTF_8));
                headers += C.levada_batch_header_count(batch, at);
            }
            records += count;
            C.levada_batch_free(batch);
        }
        check(headers == 1, "another number of headers");
        Levada.done(error -> C.levada_consumer_commit(consumer, null, error));
        long committed = 0;
        for (int partition : new int[] {0, 1}) {
            var offset = new LongByReference();
            Levada.done(error -> C.levada_consumer_committed(consumer, "readings", partition, offset, error));
            committed += offset.getValue();
        }
        check(committed == RECORDS, "not all was committed");
        Levada.done(error -> C.levada_consumer_close(consumer, error));
        C.levada_consumer_free(consumer);
        return new Totals(records, sum);
    }

    /** The library calls back on a thread of its own, which JNA makes known to Java. */
    static void hear(Pointer database) throws InterruptedException {
        var outcomes = new LinkedBlockingQueue<Outcome>();
        // Held in a variable until the producer is freed: C's hold on it is unknown to the garbage collector.
        Levada.Delivered callback = (userData, tag, partition, offset, time, error) ->
                outcomes.add(new Outcome(Pointer.nativeValue(tag), offset));
        var producer = Levada.made((place, error) -> C.levada_producer_new(database, null, place, error));
        Levada.done(error -> C.levada_producer_on_delivery(producer, callback, null, error));
        var writer = Levada.made((place, error) -> C.levada_writer_new(producer, "readings", place, error));
        Levada.done(error -> C.levada_writer_send_record(writer, Levada.ANY, Levada.NOW, null,
                null, 0, bytes(0), 1, new Pointer(7), error));
        Levada.done(error -> C.levada_producer_flush(producer, Levada.FOR_EVER, error));
        var heard = outcomes.take();
        check(heard.tag == 7 && heard.offset >= 0, "another outcome");
        Levada.done(error -> C.levada_producer_close(producer, Levada.FOR_EVER, error));
        C.levada_writer_free(writer);
        C.levada_producer_free(producer);
        java.lang.ref.Reference.reachabilityFence(callback);
    }

    public static void main(String[] arguments) throws InterruptedException {
        var database = Levada.made((place, error) -> C.levada_database_open(arguments[0], null, place, error));
        Levada.done(error -> C.levada_topic_create(database, "readings", 2, null, error));
        write(database);
        var totals = read(database);
        hear(database);
        Levada.done(error -> C.levada_database_close(database, error));
        C.levada_database_free(database);
        check(C.levada_handle_count() == 0, "a handle was not freed");
        System.out.printf("{\"language\": \"Java\", \"records\": %d, \"sum\": %d}%n", totals.records, totals.sum);
    }
}
