// Arrow streams go in and come out through their C interface, and each is released once.
#include <levada.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../check.h"
#include "rows_stream.hpp"

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

const std::vector<rows::Cell> keys{"a", std::nullopt, "", "d"};
const std::vector<rows::Cell> values{"1", "", std::nullopt, "four"};

void a_stream_is_sent_and_scanned(levada::Database& database) {
  database.create_topic("rows");
  levada::Producer producer = database.producer();
  CHECK(producer.send_arrow("rows", rows::stream_of({keys, values})) == 4);
  producer.flush(patience);
  CHECK(rows::alive == 0);

  levada::Scan scan = database.scan("rows");
  scan.columns("value").layout(levada::Layout::Small);
  CHECK(rows::first_column<std::int32_t>(scan.stream()) == values);
  // As often as one likes, and another way.
  scan.columns({"key", "value"}).layout(levada::Layout::Large);
  CHECK(rows::first_column<std::int64_t>(scan.stream()) == keys);

  levada::ArrowStream part = database.scan("rows")
                                 .columns("value")
                                 .partition(0)
                                 .from_offset(0, 1)
                                 .until_offset(0, 3)
                                 .layout(levada::Layout::Small)
                                 .stream();
  const std::vector<rows::Cell> middle(values.begin() + 1, values.end() - 1);
  CHECK(rows::first_column<std::int32_t>(std::move(part)) == middle);
}

void each_layout_is_given(levada::Database& database) {
  levada::Scan scan = database.scan("rows");
  scan.columns("value");
  levada::ArrowStream stream = scan.stream();
  CHECK(rows::first_format(stream) == "vz");
  stream = scan.layout(levada::Layout::Large).stream();
  CHECK(rows::first_format(stream) == "Z");
  stream = scan.layout(levada::Layout::Small).stream();
  CHECK(rows::first_format(stream) == "z");
}

void a_poll_gives_a_stream(levada::Database& database) {
  levada::Consumer consumer =
      database.consumer({{"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"}});
  consumer.subscribe("rows");
  levada::ArrowStream stream = consumer.poll_arrow(patience, 0, levada::Layout::Small);
  std::int64_t count = 0;
  ArrowArrayStream* raw = stream.get();
  for (;;) {
    ArrowArray batch{};
    CHECK(raw->get_next(raw, &batch) == 0);
    if (batch.release == nullptr) break;
    count += batch.length;
    batch.release(&batch);
  }
  CHECK(count == 4);
  CHECK(consumer.position("rows", 0) == 4);
  CHECK(consumer.poll_arrow(0s).operator bool());
}

void a_scan_can_be_sent_on(levada::Database& database) {
  database.create_topic("rows.copy");
  levada::Producer producer = database.producer();
  CHECK(producer.send_arrow("rows.copy", database.scan("rows").stream()) == 4);
  producer.flush(patience);
  levada::Scan scan = database.scan("rows.copy");
  scan.columns("value").layout(levada::Layout::Small);
  CHECK(rows::first_column<std::int32_t>(scan.stream()) == values);
}

void a_stream_outlives_its_database() {
  levada::ArrowStream stream;
  {
    levada::Database database = levada::Database::open(":memory:");
    database.create_topic("gone");
    levada::Producer producer = database.producer();
    producer.send("gone", "k", "still here");
    producer.flush(patience);
    levada::Consumer consumer = database.consumer({{"auto.offset.reset", "earliest"}});
    consumer.subscribe("gone");
    stream = consumer.poll_arrow(patience);
  }
  ArrowArray batch{};
  CHECK(stream.get()->get_next(stream.get(), &batch) == 0);
  CHECK(batch.length == 1);
  batch.release(&batch);
}

void the_archive_is_scanned_too(levada::Database& database) {
  if (!levada::has_feature("archive")) return;
  CHECK(database.archive("rows") > 0);
  const levada::Files files = database.archived_files("rows");
  CHECK(files.size() == 1 && files[0].partition == 0 && files[0].first_offset == 0);
  CHECK(files[0].next_offset == 4 && files[0].size > 0 && !files[0].path.empty());
  levada::Scan scan = database.scan("rows");
  scan.columns("value").layout(levada::Layout::Small);
  CHECK(rows::first_column<std::int32_t>(scan.stream()) == values);
}

void a_stream_is_released_however_it_goes(levada::Database& database) {
  levada::Producer producer = database.producer();
  levada::ArrowStream stream = rows::stream_of({keys, values});
  const auto nowhere = producer.try_send_arrow("nowhere", std::move(stream));
  CHECK(nowhere.error().status() == levada::Status::NotFound);
  CHECK(!stream);  // NOLINT: that it is empty is the promise
  CHECK(rows::alive == 0);
  rows::Source failing{keys, values};
  failing.fails = true;
  const auto failed = producer.try_send_arrow("rows", rows::stream_of(std::move(failing)));
  CHECK(!failed && rows::alive == 0);
  CHECK(!levada::Producer().try_send_arrow("rows", rows::stream_of({keys, values})));
  CHECK(rows::alive == 0);
  CHECK(!producer.try_send_arrow("rows", levada::ArrowStream()));

  levada::ArrowStream first = rows::stream_of({keys, values});
  levada::ArrowStream second = rows::stream_of({values, keys});
  CHECK(rows::alive == 2);
  first = std::move(second);
  CHECK(rows::alive == 1 && first);
  ArrowArrayStream given{};
  first.release_to(&given);
  CHECK(!first && given.release != nullptr);
  given.release(&given);
  CHECK(rows::alive == 0);
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  {
    levada::Database database = levada::Database::open(std::string(argv[1]) + "/data");
    a_stream_is_sent_and_scanned(database);
    each_layout_is_given(database);
    a_poll_gives_a_stream(database);
    a_scan_can_be_sent_on(database);
    a_stream_outlives_its_database();
    the_archive_is_scanned_too(database);
    a_stream_is_released_however_it_goes(database);
  }
  CHECK(rows::alive == 0);
  CHECK(levada::handle_count() == 0);
  return 0;
}
