import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.Map;

/**
 * The functions of levada.h that the example calls. A handle is a Pointer, a place for one a
 * PointerByReference, a size_t a long, a bool a byte: Java's boolean is wider here than C's. JNA closes an
 * array of texts with NULL by itself.
 */
public interface Levada extends Library {
    // Without this JNA takes texts in the encoding of the system, which is not UTF-8 everywhere.
    Levada LEVADA = Native.load(System.getenv("LEVADA_LIB"), Levada.class, Map.of(OPTION_STRING_ENCODING, "UTF-8"));

    int ANY = -1; // LEVADA_PARTITION_ANY
    long NOW = -1; // LEVADA_TIMESTAMP_NOW
    int NOT_FOUND = 2; // LEVADA_NOT_FOUND
    long FOR_EVER = -1;

    interface Delivered extends Callback {
        void invoke(Pointer userData, Pointer tag, int partition, long offset, long timestampMs, Pointer error);
    }

    /** The error object of a failed call, copied and freed. */
    class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;
        final int status;
        final boolean retriable;

        Failure(Pointer error) {
            super(LEVADA.levada_error_message(error));
            status = LEVADA.levada_error_status(error);
            retriable = LEVADA.levada_error_is_retriable(error) != 0;
            LEVADA.levada_error_free(error);
        }
    }

    /** A call that takes its place for an error last. */
    interface Call {
        int on(PointerByReference error);
    }

    static void done(Call call) {
        var error = new PointerByReference();
        if (call.on(error) != 0) throw new Failure(error.getValue());
    }

    /** A call that makes something, and takes the place for that before the one for an error. */
    interface Maker {
        int on(PointerByReference place, PointerByReference error);
    }

    static Pointer made(Maker maker) {
        var place = new PointerByReference();
        done(error -> maker.on(place, error));
        return place.getValue();
    }

    long levada_handle_count();

    int levada_error_status(Pointer error);
    String levada_error_message(Pointer error);
    byte levada_error_is_retriable(Pointer error);
    void levada_error_free(Pointer error);

    int levada_database_open(String path, String[] options, PointerByReference database, PointerByReference error);
    int levada_database_close(Pointer database, PointerByReference error);
    void levada_database_free(Pointer database);
    int levada_topic_create(Pointer database, String topic, int partitions, String[] settings,
            PointerByReference error);

    int levada_producer_new(Pointer database, String[] options, PointerByReference producer, PointerByReference error);
    int levada_producer_on_delivery(Pointer producer, Delivered callback, Pointer userData, PointerByReference error);
    int levada_producer_flush(Pointer producer, long timeoutMs, PointerByReference error);
    int levada_producer_poll(Pointer producer, long timeoutMs, PointerByReference reports, PointerByReference error);
    int levada_producer_close(Pointer producer, long timeoutMs, PointerByReference error);
    void levada_producer_free(Pointer producer);

    int levada_writer_new(Pointer producer, String topic, PointerByReference writer, PointerByReference error);
    int levada_writer_send(Pointer writer, int partition, byte[] key, long keySize, byte[] value, long valueSize,
            PointerByReference error);
    int levada_writer_send_record(Pointer writer, int partition, long timestampMs, Pointer headers,
            byte[] key, long keySize, byte[] value, long valueSize, Pointer tag, PointerByReference error);
    void levada_writer_free(Pointer writer);

    int levada_headers_new(PointerByReference headers, PointerByReference error);
    int levada_headers_add(Pointer headers, String name, byte[] value, long valueSize, PointerByReference error);
    void levada_headers_free(Pointer headers);

    long levada_reports_count(Pointer reports);
    Pointer levada_reports_tag(Pointer reports, long index);
    long levada_reports_offset(Pointer reports, long index);
    void levada_reports_free(Pointer reports);

    int levada_consumer_new(Pointer database, String[] options, PointerByReference consumer, PointerByReference error);
    int levada_consumer_subscribe(Pointer consumer, String[] topics, PointerByReference error);
    int levada_consumer_poll(Pointer consumer, long recordsMax, long timeoutMs, PointerByReference batch,
            PointerByReference error);
    int levada_consumer_commit(Pointer consumer, Pointer offsets, PointerByReference error);
    int levada_consumer_committed(Pointer consumer, String topic, int partition, LongByReference offset,
            PointerByReference error);
    int levada_consumer_close(Pointer consumer, PointerByReference error);
    void levada_consumer_free(Pointer consumer);

    long levada_batch_count(Pointer batch);
    Pointer levada_batch_values(Pointer batch);
    Pointer levada_batch_value_sizes(Pointer batch);
    long levada_batch_header_count(Pointer batch, long index);
    void levada_batch_free(Pointer batch);
}
