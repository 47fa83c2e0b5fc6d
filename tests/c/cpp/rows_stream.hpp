// A hand-made Arrow stream of columns `key` and `value`, of one batch, and how to read such
// columns.
#ifndef ROWS_STREAM_HPP
#define ROWS_STREAM_HPP

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <levada.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../check.h"

namespace rows {

using Cell = std::optional<std::string>;

/// ARROW_FLAG_NULLABLE of Arrow's C interface.
constexpr std::int64_t nullable = 2;

/// How many streams, batches and schemas made here were not released yet.
inline int alive = 0;

/// What an array of ours owns: its buffers, its children.
struct Storage {
  std::vector<unsigned char> validity;
  std::vector<std::int32_t> offsets{0};
  std::string data;
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
};

inline void release_array(ArrowArray* array) {
  auto* storage = static_cast<Storage*>(array->private_data);
  for (ArrowArray& child : storage->children) {
    // Whoever took a child over has marked it so.
    if (child.release != nullptr) child.release(&child);
  }
  delete storage;
  array->release = nullptr;
  --alive;
}

inline ArrowArray finish(std::unique_ptr<Storage> storage, std::int64_t length,
                         std::int64_t null_count) {
  ArrowArray array{};
  array.length = length;
  array.null_count = null_count;
  array.n_buffers = static_cast<std::int64_t>(storage->buffers.size());
  array.buffers = storage->buffers.data();
  for (ArrowArray& child : storage->children) storage->pointers.push_back(&child);
  array.n_children = static_cast<std::int64_t>(storage->pointers.size());
  array.children = storage->pointers.data();
  array.release = release_array;
  array.private_data = storage.release();
  ++alive;
  return array;
}

/// A column of Binary.
inline ArrowArray binary(const std::vector<Cell>& cells) {
  auto storage = std::make_unique<Storage>();
  storage->validity.assign(cells.size() / 8 + 1, 0);
  std::int64_t null_count = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i]) {
      storage->data += *cells[i];
      const auto bit = static_cast<unsigned char>(1U << (i % 8));
      storage->validity[i / 8] = static_cast<unsigned char>(storage->validity[i / 8] | bit);
    } else {
      ++null_count;
    }
    storage->offsets.push_back(static_cast<std::int32_t>(storage->data.size()));
  }
  storage->buffers = {storage->validity.data(), storage->offsets.data(), storage->data.data()};
  return finish(std::move(storage), static_cast<std::int64_t>(cells.size()), null_count);
}

struct SchemaStorage {
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

inline void release_schema(ArrowSchema* schema) {
  auto* storage = static_cast<SchemaStorage*>(schema->private_data);
  for (ArrowSchema& child : storage->children) {
    if (child.release != nullptr) child.release(&child);
  }
  delete storage;
  schema->release = nullptr;
  --alive;
}

inline ArrowSchema field(const char* name, const char* format,
                         std::vector<ArrowSchema> children = {}) {
  auto storage = std::make_unique<SchemaStorage>();
  storage->children = std::move(children);
  for (ArrowSchema& child : storage->children) storage->pointers.push_back(&child);
  ArrowSchema schema{};
  schema.format = format;
  schema.name = name;
  schema.flags = nullable;
  schema.n_children = static_cast<std::int64_t>(storage->pointers.size());
  schema.children = storage->pointers.data();
  schema.release = release_schema;
  schema.private_data = storage.release();
  ++alive;
  return schema;
}

/// What the stream gives, and what is left of it.
struct Source {
  std::vector<Cell> keys;
  std::vector<Cell> values;
  bool fails = false;
  bool is_over = false;
};

inline int get_schema(ArrowArrayStream*, ArrowSchema* out) {
  *out = field("", "+s", {field("key", "z"), field("value", "z")});
  return 0;
}

inline int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  auto* source = static_cast<Source*>(stream->private_data);
  *out = ArrowArray{};
  if (source->is_over) return 0;
  if (source->fails) return EIO;
  source->is_over = true;
  const auto length = static_cast<std::int64_t>(source->values.size());
  auto storage = std::make_unique<Storage>();
  storage->children = {binary(source->keys), binary(source->values)};
  storage->buffers = {nullptr};
  *out = finish(std::move(storage), length, 0);
  return 0;
}

inline const char* get_last_error(ArrowArrayStream*) { return "a stream that fails"; }

inline void release_stream(ArrowArrayStream* stream) {
  delete static_cast<Source*>(stream->private_data);
  stream->release = nullptr;
  --alive;
}

inline levada::ArrowStream stream_of(Source source) {
  ArrowArrayStream stream{};
  stream.get_schema = get_schema;
  stream.get_next = get_next;
  stream.get_last_error = get_last_error;
  stream.release = release_stream;
  stream.private_data = new Source(std::move(source));
  ++alive;
  levada::ArrowStream owner(&stream);
  CHECK(stream.release == nullptr);
  return owner;
}

/// A cell of a column of Binary or LargeBinary.
template <class Offset>
Cell cell(const ArrowArray& column, std::size_t row) {
  row += static_cast<std::size_t>(column.offset);
  const auto* validity = static_cast<const unsigned char*>(column.buffers[0]);
  if (validity != nullptr && (validity[row / 8] >> (row % 8) & 1) == 0) return std::nullopt;
  const auto* offsets = static_cast<const Offset*>(column.buffers[1]);
  const auto* data = static_cast<const char*>(column.buffers[2]);
  const auto begin = static_cast<std::size_t>(offsets[row]);
  const auto end = static_cast<std::size_t>(offsets[row + 1]);
  return begin == end ? std::string() : std::string(data + begin, end - begin);
}

/// The first column of all batches of a stream.
template <class Offset>
std::vector<Cell> first_column(levada::ArrowStream stream) {
  std::vector<Cell> cells;
  ArrowArrayStream* raw = stream.get();
  for (;;) {
    ArrowArray batch{};
    CHECK(raw->get_next(raw, &batch) == 0);
    if (batch.release == nullptr) return cells;
    CHECK(batch.n_children >= 1);
    const auto length = static_cast<std::size_t>(batch.length);
    for (std::size_t row = 0; row < length; ++row) {
      cells.push_back(cell<Offset>(*batch.children[0], row));
    }
    batch.release(&batch);
  }
}

/// The format of the first column.
inline std::string first_format(levada::ArrowStream& stream) {
  ArrowSchema schema{};
  CHECK(stream.get()->get_schema(stream.get(), &schema) == 0);
  CHECK(schema.n_children >= 1);
  std::string format = schema.children[0]->format;
  schema.release(&schema);
  return format;
}

}  // namespace rows

#endif
