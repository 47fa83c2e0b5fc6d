import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.types.*;
import org.apache.kafka.common.record.internal.*;

/** Prints messages as Kafka writes them: key, kind, first and last version, bytes in hex. */
public class Messages {
    private static int next;
    private static boolean nulls;

    public static void main(String[] keys) {
        for (String key : keys) {
            ApiMessageType api = ApiMessageType.fromApiKey(Short.parseShort(key));
            print(key, "request", api.requestSchemas());
            print(key, "response", api.responseSchemas());
        }
        print("-", "subscription", ConsumerProtocolSubscription.SCHEMAS);
        print("-", "assignment", ConsumerProtocolAssignment.SCHEMAS);
    }

    private static void print(String key, String kind, Schema[] schemas) {
        int last = schemas.length - 1;
        int first = 0;
        String before = null;
        for (int version = 0; version <= last; version++) {
            String hex = schemas[version] == null ? null : hex(schemas[version], false);
            if (!Objects.equals(hex, before)) {
                line(key, kind, first, version - 1, before);
                first = version;
                before = hex;
            }
        }
        line(key, kind, first, last, before);
        line(key, kind, last, last, hex(schemas[last], true));
    }

    private static void line(String key, String kind, int first, int last, String hex) {
        if (hex != null) {
            System.out.println(key + " " + kind + " " + first + " " + last + " " + hex);
        }
    }

    private static String hex(Schema schema, boolean withNulls) {
        next = 0;
        nulls = withNulls;
        Struct struct = (Struct) value(schema);
        ByteBuffer bytes = ByteBuffer.allocate(struct.sizeOf());
        struct.writeTo(bytes);
        return HexFormat.of().formatHex(bytes.array());
    }

    private static Object value(Type type) {
        if (type.isNullable() && nulls) {
            return null;
        }
        next = next % 100 + 1;
        if (type instanceof Schema schema) {
            Struct struct = new Struct(schema);
            for (BoundField field : schema.fields()) {
                struct.set(field, value(field.def.type));
            }
            return struct;
        }
        if (type instanceof TaggedFields tagged) {
            NavigableMap<Integer, Object> fields = new TreeMap<>();
            if (!nulls) {
                tagged.fields().forEach((tag, field) -> fields.put(tag, telling(value(field.type))));
            }
            return fields;
        }
        if (type.isArray()) {
            Type element = type.arrayElementType().get();
            return new Object[] {value(element), value(element)};
        }
        String name = type.toString();
        if (name.contains("STRING")) {
            return "text-" + next;
        }
        if (name.contains("RECORDS")) {
            return MemoryRecords.readableRecords(ByteBuffer.wrap(new byte[] {1, 2, (byte) next}));
        }
        if (name.contains("BYTES")) {
            return ByteBuffer.wrap(new byte[] {3, 4, (byte) next});
        }
        return switch (name) {
            case "BOOLEAN" -> next % 2 == 0;
            case "INT8" -> (byte) next;
            case "INT16" -> (short) (next * 300);
            case "UINT16" -> next * 600;
            case "INT32" -> next * 70_000;
            case "INT64" -> next * 5_000_000_000L;
            case "UUID" -> new Uuid(next * 5_000_000_001L, ~next);
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** A tagged field that has its default is not written. */
    private static Object telling(Object value) {
        return Boolean.FALSE.equals(value) ? true : value;
    }
}
