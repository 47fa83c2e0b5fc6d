// What is sent comes back as it was: keys, values, headers, times, nulls; positions and commits.
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <iterator>
#include <levada.hpp>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#if __cplusplus >= 202002L
#include <ranges>
#include <span>
#endif

#include "../check.h"

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

// A limit, not a wait: what takes longer has failed.
constexpr auto patience = 60s;

const levada::Options from_the_start{{"auto.offset.reset", "earliest"},
                                     {"enable.auto.commit", "false"}};

levada::Consumer reader(levada::Database& database, const char* topic) {
  levada::Consumer consumer = database.consumer(from_the_start);
  consumer.subscribe(topic);
  return consumer;
}

/// Records, and what keeps them.
struct Polled {
  std::vector<levada::Batch> batches;
  std::vector<levada::Record> records;

  const levada::Record& operator[](std::size_t index) const { return records[index]; }
};

/// So many records: a poll gives as many as it finds at once.
Polled records_of(levada::Consumer& consumer, std::size_t count) {
  Polled polled;
  while (polled.records.size() < count) {
    levada::Batch batch = consumer.poll(patience);
    CHECK(!batch.empty());
    polled.records.insert(polled.records.end(), batch.begin(), batch.end());
    polled.batches.push_back(std::move(batch));
  }
  CHECK(polled.records.size() == count);
  return polled;
}

std::vector<std::string> values_of(levada::Consumer& consumer, std::size_t count) {
  std::vector<std::string> values;
  const Polled polled = records_of(consumer, count);
  for (const levada::Record& r : polled.records) values.emplace_back(r.value().text());
  return values;
}

void a_topic_is_as_it_was_made(levada::Database& database) {
  const std::map<std::string, std::string> settings{{"retention.ms", "1000000"}};
  database.create_topic("made", 3, settings);
  const levada::Topic topic = database.topic("made");
  CHECK(topic.name() == "made");
  CHECK(!topic.id().empty());
  CHECK(topic.partition_count() == 3);
  CHECK(!topic.is_internal());
  CHECK(topic.created().time_since_epoch().count() == topic.created_ms());
  CHECK(topic.end_offset(2) == 0);

  levada::Settings found = database.topic_settings("made");
  CHECK(found.find("retention.ms")->value == "1000000"sv);
  database.alter_topic("made", {{"retention.ms", "2000000"}});
  found = database.topic_settings("made");
  CHECK(found.find("retention.ms")->value == "2000000"sv);
  database.alter_topic("made", {}, "retention.ms");
  found = database.topic_settings("made");
  CHECK(found.find("retention.ms")->value != "2000000"sv);
  CHECK(!found.find("no.such.setting"));

  database.add_partitions("made", 5);
  CHECK(database.topic("made").partition_count() == 5);
  const levada::Names names = database.topics();
  CHECK(std::find(names.begin(), names.end(), "made") != names.end());
  database.delete_topic("made");
  CHECK(database.topics().empty());
}

void a_record_comes_back_whole(levada::Database& database) {
  database.create_topic("whole");
  levada::Producer producer = database.producer({{"linger.ms", "0"}});
  levada::Writer writer = producer.writer("whole");
  const levada::Headers headers =
      levada::Headers::of({{"trace", "1"}, {"trace", levada::null}, {"empty", ""}});
  levada::SendOptions with;
  with.partition = 0;
  with.timestamp = levada::Timestamp::from_ms(1700000000123);
  with.headers = &headers;
  levada::Delivery delivery = writer.send_tracked("key", "value\0with a NUL"sv, with);
  delivery.wait(patience);
  CHECK(headers.size() == 3);
  CHECK(delivery.is_done());
  CHECK(delivery.partition() == 0 && delivery.offset() == 0);
  CHECK(delivery.timestamp_ms() == 1700000000123);
  writer.send(levada::null, levada::null);
  writer.send(std::nullopt, ""sv);
  const std::vector<std::byte> raw{std::byte{0}, std::byte{255}};
  writer.send(std::string(), raw);
  producer.send("whole", "k", "by name");
  producer.flush(patience);
  CHECK(producer.buffered_bytes() == 0);

  levada::Consumer consumer = reader(database, "whole");
  const Polled polled = records_of(consumer, 5);
  const levada::Record first = polled[0];
  CHECK(first.topic() == "whole" && first.partition() == 0 && first.offset() == 0);
  CHECK(first.timestamp_ms() == 1700000000123);
  const std::chrono::system_clock::time_point time = first.timestamp();
  CHECK(time == std::chrono::system_clock::time_point(1700000000123ms));
  CHECK(first.key() == "key");
  CHECK(first.value().text() == "value\0with a NUL"sv);
  CHECK(first.headers().size() == 3);
  std::vector<levada::Header> seen(first.headers().begin(), first.headers().end());
  CHECK(seen[0].name == "trace" && seen[0].value == "1");
  CHECK(seen[1].name == "trace" && seen[1].value.is_null());
  CHECK(seen[2].name == "empty" && seen[2].value.has_value() && seen[2].value.empty());
  CHECK(polled[1].key().is_null() && polled[1].value().is_null() && polled[1].headers().empty());
  CHECK(polled[2].key().is_null() && polled[2].value().has_value() && polled[2].value().empty());
  CHECK(polled[3].key().has_value() && polled[3].key().empty() && polled[3].value() == raw);
  CHECK(polled[4].value() == "by name");
  CHECK(polled[1].value().value_or("nothing") == "nothing");
}

void a_batch_is_a_range(levada::Database& database) {
  database.create_topic("range");
  // One batch of all, which is what a poll then gives.
  levada::Producer producer = database.producer({{"linger.ms", "60000"}});
  const std::vector<std::string> sent{"a", "b", "c", "d"};
  levada::Delivery delivery = producer.writer("range").send_values(sent, 0);
  producer.flush(patience);
  CHECK(delivery.is_done() && delivery.offset() == 3);

  levada::Consumer consumer = reader(database, "range");
  levada::Batch polled = consumer.poll(patience);
  const levada::Record first = polled[0];
  const levada::Batch batch = std::move(polled);
  // A record stays good when its batch moves; what it moved from is an empty range.
  CHECK(first.value() == "a");
  CHECK(polled.empty() && polled.begin() == polled.end());  // NOLINT
  CHECK(batch.size() == 4);
  using Iterator = levada::Batch::iterator;
  static_assert(std::is_same_v<std::iterator_traits<Iterator>::iterator_category,
                               std::random_access_iterator_tag>);
#if __cplusplus >= 202002L
  static_assert(std::random_access_iterator<Iterator>);
  static_assert(std::ranges::random_access_range<const levada::Batch>);
  static_assert(std::ranges::random_access_range<levada::PositionsView>);
  const std::span<const std::byte> bytes = batch[1].value();
  CHECK(bytes.size() == 1 && bytes[0] == std::byte{'b'});
  CHECK(levada::bytes(bytes) == "b");
#endif
  std::string backwards;
  for (Iterator it = batch.end(); it != batch.begin();) backwards += (--it)->value().text();
  CHECK(backwards == "dcba");
  CHECK(batch.begin()[2].offset() == 2);
  CHECK(batch.end() - batch.begin() == 4 && batch.begin() + 4 == batch.end());
  const auto found = std::lower_bound(
      batch.begin(), batch.end(), 3, [](const levada::Record& r, int o) { return r.offset() < o; });
  CHECK(found->value() == "d");
  CHECK(batch.offsets()[3] == 3 && batch.partitions()[3] == 0);

  // What was read is sent on, column by column.
  database.create_topic("copy");
  std::size_t taken = 0;
  levada::Delivery copied = producer.writer("copy").send_many_tracked(batch.columns(), 0, &taken);
  producer.flush(patience);
  copied.wait(0s);
  CHECK(taken == 4);
  levada::Consumer copy = reader(database, "copy");
  CHECK(values_of(copy, 4) == sent);
  copy.seek_to_beginning();
  CHECK(records_of(copy, 4)[3].timestamp() == batch[3].timestamp());
  const levada::Columns none = levada::Batch().columns();
  producer.writer("copy").send_many(none);
}

void a_batch_outlives_all_it_came_from() {
  levada::Batch batch;
  {
    levada::Database database = levada::Database::open(":memory:");
    database.create_topic("gone");
    levada::Producer producer = database.producer();
    producer.send("gone", "k", "still here");
    producer.close(patience);
    levada::Consumer consumer = reader(database, "gone");
    batch = consumer.poll(patience);
    consumer.close();
    database.close();
  }
  CHECK(batch.size() == 1 && batch[0].value() == "still here" && batch[0].topic() == "gone");
}

void a_consumer_goes_where_it_is_sent(levada::Database& database) {
  database.create_topic("places", 2);
  levada::Producer producer = database.producer({{"linger.ms", "0"}});
  levada::Writer writer = producer.writer("places");
  levada::SendOptions with;
  for (int i = 0; i < 10; ++i) {
    with.timestamp = levada::Timestamp(std::chrono::system_clock::time_point(1000s + i * 1s));
    writer.send_tracked(levada::null, std::to_string(i), (with.partition = 0, with)).wait(patience);
  }
  CHECK(database.offset_for_time("places", 0, levada::Timestamp::from_ms(1004500)) == 5);
  CHECK(!database.offset_for_time("places", 0, levada::Timestamp::from_ms(2000000)));

  levada::Consumer consumer = database.consumer(from_the_start);
  consumer.assign(levada::Positions::of({{"places", 0, 7}, {"places", 1, levada::no_offset}}));
  CHECK(values_of(consumer, 3) == std::vector<std::string>{"7", "8", "9"});
  CHECK(consumer.position("places", 0) == 10);
  consumer.seek("places", 0, 8);
  CHECK(values_of(consumer, 2) == std::vector<std::string>{"8", "9"});
  consumer.seek_to_time("places", 0, levada::Timestamp::from_ms(1005500));
  CHECK(consumer.position("places", 0) == 6);
  consumer.seek_to_time(levada::Timestamp::from_ms(1003000));
  CHECK(consumer.position("places", 0) == 3);
  consumer.seek_to_end();
  CHECK(consumer.position("places", 0) == 10);
  consumer.seek_to_beginning("places", 0);
  CHECK(consumer.position("places", 0) == 0);
  consumer.pause(levada::Positions::of({{"places", 0}}));
  CHECK(consumer.poll(0s).empty());
  consumer.resume();
  CHECK(!consumer.poll(patience).empty());

  std::int64_t behind = 0;
  consumer.seek("places", 0, 4);
  for (const levada::Position& lag : consumer.lag()) behind += lag.offset;
  CHECK(behind == 6);
  CHECK(consumer.assignment().size() == 2);
  CHECK(database.delete_records("places", 0, 2) == 2);
  CHECK(database.topic("places").start_offset(0) == 2);
}

void a_group_goes_on_where_it_committed(levada::Database& database) {
  database.create_topic("group");
  levada::Producer producer = database.producer();
  producer.writer("group").send_values(std::array{"0", "1", "2", "3"}).wait(patience);
  levada::Options options = from_the_start;
  options.set("group.id", "billing").set("client.id", "tester");
  {
    levada::Consumer consumer = database.consumer(options);
    std::vector<std::string> told;
    consumer.on_rebalance([&](levada::Rebalance what, levada::PositionsView partitions) {
      for (const levada::Position& p : partitions) {
        CHECK(p.topic == "group" && p.partition == 0);
        told.emplace_back(what == levada::Rebalance::Assigned ? "assigned" : "revoked");
      }
    });
    // The callback finds its way when its consumer is moved.
    levada::Consumer moved = std::move(consumer);
    moved.subscribe({"group"});
    CHECK(values_of(moved, 4).size() == 4);
    CHECK(!moved.committed("group", 0));
    moved.commit(levada::Positions::of({{"group", 0, 1}}));
    CHECK(moved.committed("group", 0) == 1);
    moved.seek("group", 0, 2);
    levada::Commit commit = moved.commit_async();
    commit.wait(patience);
    CHECK(commit.is_done());
    const levada::Group group = database.group("billing");
    CHECK(group.state() == "Stable");
    CHECK(group.size() == 1 && group.begin()->client_id == "tester");
    CHECK(group[0].partitions.size() == 1 && group[0].partitions[0].topic == "group");
    moved.close();
    CHECK(told == std::vector<std::string>{"assigned", "revoked"});
  }
  levada::Consumer consumer = database.consumer(options);
  consumer.subscribe("group");
  CHECK(values_of(consumer, 2) == std::vector<std::string>{"2", "3"});
  consumer.close();

  CHECK(database.groups().size() == 1 && database.groups()[0] == "billing");
  CHECK(database.group_offsets("billing")[0].offset == 2);
  database.reset_group("billing", levada::Positions::of({{"group", 0, 3}}));
  CHECK(database.group_offsets("billing")[0].offset == 3);
  database.delete_group("billing");
  CHECK(database.groups().empty());
}

void deliveries_are_reported(levada::Database& database) {
  database.create_topic("reported");
  int tags[3] = {};
  {
    std::mutex mutex;
    std::vector<std::pair<void*, std::int64_t>> seen;
    levada::Producer made = database.producer();
    made.on_delivery([&](const levada::Report& report) {
      const std::lock_guard<std::mutex> held(mutex);
      CHECK(report.is_delivered() && !report.error() && report.partition() == 0);
      seen.emplace_back(report.tag(), report.offset());
    });
    levada::Producer producer = std::move(made);
    levada::Writer writer = producer.writer("reported");
    for (int& tag : tags) writer.send_record("k", "v", {}, &tag);
    producer.close(patience);
    producer.reset();
    CHECK(seen.size() == 3);
    for (int i = 0; i < 3; ++i) {
      const auto at = static_cast<std::size_t>(i);
      CHECK(seen[at].first == &tags[i] && seen[at].second == i);
    }
  }
  levada::Producer producer = database.producer();
  producer.writer("reported").send_record("k", "v", {}, &tags[1]);
  const levada::Reports reports = producer.poll(patience);
  CHECK(reports.size() == 1);
  for (const levada::Report& report : reports)
    CHECK(report.tag() == &tags[1] && report.offset() == 3);
  CHECK(producer.poll(0s).empty());
}

void a_consumer_is_woken(levada::Database& database) {
  database.create_topic("woken");
  levada::Consumer consumer = reader(database, "woken");
  std::thread waker([&] { consumer.wakeup(); });
  CHECK(consumer.poll(levada::forever).empty());
  waker.join();

  std::mutex mutex;
  std::condition_variable rung;
  int bells = 0;
  const auto ring = [&] {
    const std::lock_guard<std::mutex> held(mutex);
    ++bells;
    rung.notify_all();
  };
  consumer.on_ready(ring);
  database.producer().send("woken", "k", "v");
  std::unique_lock<std::mutex> held(mutex);
  CHECK(rung.wait_for(held, patience, [&] { return bells > 0; }));
  held.unlock();
  CHECK(values_of(consumer, 1).size() == 1);
}

void the_log_is_heard() {
  std::vector<std::string> heard;
  levada::Logger made(levada::LogLevel::Warn,
                      [&](levada::LogLevel level, std::string_view target, std::string_view text) {
                        CHECK(level == levada::LogLevel::Warn && !target.empty());
                        heard.emplace_back(text);
                      });
  levada::Logger logger = std::move(made);
  levada::Database database = levada::Database::open(":memory:");
  database.create_topic("heard");
  levada::Producer producer = database.producer();
  const auto lose = [&] {
    producer.writer("heard").send_values(std::array{"0", "1"});
    producer.flush(patience);
    const levada::Topic topic = database.topic("heard");
    levada::Consumer consumer = database.consumer(from_the_start);
    consumer.assign(levada::Positions::of({{"heard", 0, topic.start_offset(0)}}));
    // What it would read next is gone: that is worth a warning.
    database.delete_records("heard", 0, topic.end_offset(0));
    CHECK(consumer.poll(0s).empty());
  };
  lose();
  CHECK(heard.size() == 1 && heard[0].find("heard-0") != std::string::npos);
  logger.reset();
  lose();
  CHECK(heard.size() == 1);
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  CHECK(levada::version_number() == 0x000100);
  CHECK(levada::version() == "0.1.0");
  {
    levada::Database database = levada::Database::open(std::string(argv[1]) + "/data");
    a_topic_is_as_it_was_made(database);
    a_record_comes_back_whole(database);
    a_batch_is_a_range(database);
    a_batch_outlives_all_it_came_from();
    a_consumer_goes_where_it_is_sent(database);
    a_group_goes_on_where_it_committed(database);
    deliveries_are_reported(database);
    a_consumer_is_woken(database);
    the_log_is_heard();
    CHECK(database.stats().front() == '{');
    database.run_job("retain");
    database.close();
  }
  CHECK(levada::handle_count() == 0);
  return 0;
}
