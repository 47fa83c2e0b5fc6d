// What a topic holds, as Arrow C++ computes it: once over all there is, and once poll by poll, as somebody does
// who goes on reading. The values are numbers as text, such as those of ../c/sensor_logger.c.
//
//   c++ -std=c++20 arrow_consumer.cpp $(pkg-config --cflags --libs levada arrow-compute) -o arrow_consumer
//   ./arrow_consumer DIRECTORY TOPIC
//
// Prints one line of JSON. Levada and Arrow meet in Arrow's C stream interface alone: neither was built for the
// other, and values cross over where they lie.
#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <levada.hpp>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace {

namespace compute = arrow::compute;

/// How long one poll waits for records.
constexpr std::chrono::seconds patience{1};
/// How much one poll takes: what is in memory at once.
constexpr std::size_t poll_bytes = 1 << 20;

/// What can be added up batch by batch.
struct Summary {
  std::int64_t records = 0;
  /// Those that have a value.
  std::int64_t values = 0;
  double sum = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  /// Of the record that was read last.
  std::int64_t last_offset = -1;
};

/// A column of bytes that are text, as numbers. Binary views have no way to numbers of their own in Arrow.
arrow::Result<arrow::Datum> numbers(const arrow::Datum& bytes) {
  ARROW_ASSIGN_OR_RAISE(arrow::Datum text, compute::Cast(bytes, arrow::utf8()));
  return compute::Cast(text, arrow::float64());
}

template <class Scalar>
auto value_of(const arrow::Datum& datum) {
  return datum.scalar_as<Scalar>().value;
}

arrow::Status add(const arrow::RecordBatch& batch, Summary& summary) {
  if (batch.num_rows() == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(arrow::Datum column, numbers(batch.GetColumnByName("value")));
  ARROW_ASSIGN_OR_RAISE(arrow::Datum count, compute::CallFunction("count", {column}));
  summary.records += batch.num_rows();
  summary.values += value_of<arrow::Int64Scalar>(count);
  if (value_of<arrow::Int64Scalar>(count) > 0) {
    ARROW_ASSIGN_OR_RAISE(arrow::Datum sum, compute::Sum(column));
    ARROW_ASSIGN_OR_RAISE(arrow::Datum ends, compute::MinMax(column));
    const auto& both = ends.scalar_as<arrow::StructScalar>();
    summary.sum += value_of<arrow::DoubleScalar>(sum);
    summary.min = std::min(summary.min, value_of<arrow::DoubleScalar>(both.value[0]));
    summary.max = std::max(summary.max, value_of<arrow::DoubleScalar>(both.value[1]));
  }
  const auto& offsets = static_cast<const arrow::Int64Array&>(*batch.GetColumnByName("offset"));
  summary.last_offset = offsets.Value(offsets.length() - 1);
  return arrow::Status::OK();
}

/// Reads a stream to its end, one batch in memory at a time.
arrow::Status add_all(levada::ArrowStream stream, Summary& summary) {
  // Takes the stream over, whether it succeeds or not.
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ImportRecordBatchReader(stream.get()));
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    // An error of reading comes out here, with Levada's text.
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(add(*batch, summary));
  }
}

/// All there is, from the log and from archive files, and no column that is not needed.
arrow::Result<Summary> scan(levada::Database& database, const std::string& topic) {
  Summary summary;
  levada::ArrowStream stream = database.scan(topic).columns({"offset", "value"}).stream();
  ARROW_RETURN_NOT_OK(add_all(std::move(stream), summary));
  return summary;
}

/// Whether there are records that were not read.
bool is_behind(levada::Consumer& consumer) {
  const levada::Positions lags = consumer.lag();
  return std::any_of(lags.begin(), lags.end(), [](const levada::Position& lag) { return lag.offset > 0; });
}

/// The same from the first record on, some at a time. With `group.id` it would go on where it was the last time.
arrow::Result<Summary> poll(levada::Database& database, const std::string& topic) {
  Summary summary;
  levada::Consumer consumer = database.consumer({{"auto.offset.reset", "earliest"}});
  consumer.subscribe(topic);
  do {
    ARROW_RETURN_NOT_OK(add_all(consumer.poll_arrow(patience, poll_bytes), summary));
  } while (is_behind(consumer));
  consumer.close();
  return summary;
}

/// As JSON, in as few digits as give the same number back. JSON has no infinity: there was no value.
std::string shown(double number) {
  if (!std::isfinite(number)) return "null";
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::string(text.data(), end) : "null";
}

void print(const char* name, const Summary& summary) {
  const double mean = summary.sum / static_cast<double>(summary.values);
  std::cout << '"' << name << R"(": {"records": )" << summary.records << R"(, "last_offset": )" << summary.last_offset
            << R"(, "min": )" << shown(summary.min) << R"(, "mean": )" << shown(mean) << R"(, "max": )"
            << shown(summary.max) << '}';
}

arrow::Status run(const std::string& directory, const std::string& topic) {
  // Makes Arrow's functions known; older versions did it unasked.
  ARROW_RETURN_NOT_OK(compute::Initialize());
  levada::Database database = levada::Database::open(directory);
  ARROW_ASSIGN_OR_RAISE(const Summary scanned, scan(database, topic));
  ARROW_ASSIGN_OR_RAISE(const Summary polled, poll(database, topic));
  database.close();

  std::cout << '{';
  print("scan", scanned);
  std::cout << ", ";
  print("poll", polled);
  std::cout << "}\n";
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: arrow_consumer DIRECTORY TOPIC\n";
    return 2;
  }
  try {
    const arrow::Status status = run(argv[1], argv[2]);
    if (status.ok()) return 0;
    std::cerr << status.ToString() << '\n';
  } catch (const levada::Error& error) {
    std::cerr << error.what() << '\n';
  }
  return 1;
}
