// Errors come out as thrown classes or as results, as one likes; empty handles and callbacks that
// throw do no harm.
#include <atomic>
#include <condition_variable>
#include <levada.hpp>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "../check.h"

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

constexpr auto patience = 60s;

template <class Expected, class Body>
bool throws(const Body& body) {
  try {
    body();
  } catch (const Expected&) {
    return true;
  }
  return false;
}

void an_error_is_caught_by_its_kind(levada::Database& database) {
  CHECK(throws<levada::NotFoundError>([&] { database.topic("nowhere"); }));
  CHECK(throws<levada::Error>([&] { database.topic("nowhere"); }));
  CHECK(throws<std::runtime_error>([&] { database.delete_topic("nowhere"); }));
  database.create_topic("there");
  CHECK(throws<levada::ExistsError>([&] { database.create_topic("there"); }));
  CHECK(throws<levada::InvalidError>([&] { database.create_topic("no good", 1); }));
  CHECK(throws<levada::InvalidError>([&] { database.producer({{"no.such.setting", "1"}}); }));
  CHECK(throws<levada::InvalidError>([&] { database.producer({{"acks", "1"}, {"acks", "all"}}); }));
  try {
    database.topic("nowhere");
    CHECK(false);
  } catch (const levada::Error& error) {
    CHECK(error.status() == levada::Status::NotFound);
    CHECK(error.kafka_code() == 3);
    CHECK(!error.retriable());
    CHECK(error.message() == error.what());
    CHECK(error.message().find("nowhere") != std::string_view::npos);
  }
}

void each_kind_has_a_class() {
  using levada::Error;
  using levada::Status;
  CHECK(throws<levada::InvalidError>([] { Error(Status::Invalid, "").raise(); }));
  CHECK(throws<levada::NotFoundError>([] { Error(Status::NotFound, "").raise(); }));
  CHECK(throws<levada::ExistsError>([] { Error(Status::Exists, "").raise(); }));
  CHECK(throws<levada::OffsetOutOfRangeError>([] { Error(Status::OutOfRange, "").raise(); }));
  CHECK(throws<levada::ConflictError>([] { Error(Status::Conflict, "").raise(); }));
  CHECK(throws<levada::FencedError>([] { Error(Status::Fenced, "").raise(); }));
  CHECK(throws<levada::DeniedError>([] { Error(Status::Denied, "").raise(); }));
  CHECK(throws<levada::UnavailableError>([] { Error(Status::Unavailable, "").raise(); }));
  CHECK(throws<levada::TimeoutError>([] { Error(Status::Timeout, "").raise(); }));
  CHECK(throws<levada::CorruptError>([] { Error(Status::Corrupt, "").raise(); }));
  CHECK(throws<levada::ClosedError>([] { Error(Status::Closed, "").raise(); }));
  CHECK(throws<levada::InternalError>([] { Error(Status::Internal, "").raise(); }));
  CHECK(levada::name_of(Status::OutOfRange) == "LEVADA_OUT_OF_RANGE");
  CHECK(levada::name_of(static_cast<Status>(99)).empty());
  // A kind of a newer library is an Error nevertheless.
  CHECK(throws<Error>([] { Error(static_cast<Status>(99), "").raise(); }));
}

void a_result_is_a_value_or_an_error(levada::Database& database) {
  levada::Result<levada::Topic> none = database.try_topic("nowhere");
  CHECK(!none && !none.has_value());
  CHECK(none.error().status() == levada::Status::NotFound);
  CHECK(throws<levada::NotFoundError>([&] { none.value(); }));
  levada::Result<levada::Topic> there = database.try_topic("there");
  CHECK(there && there->name() == "there" && (*there).partition_count() == 1);
  const levada::Topic taken = std::move(there).value();
  CHECK(taken.name() == "there");

  static_assert(std::is_same_v<decltype(*database.try_topic("there")), levada::Topic>);
  int found = 0;
  for (const std::string_view name : *database.try_topics()) found += name == "there" ? 1 : 0;
  CHECK(found == 1);

  const auto count = [](const levada::Topic& topic) { return topic.partition_count(); };
  CHECK(database.try_topic("there").transform(count).value() == 1);
  CHECK(database.try_topic("nowhere").transform(count).value_or(7) == 7);
  const auto sent = database.try_producer().and_then(
      [](levada::Producer producer) { return producer.try_send("nowhere", "k", "v"); });
  CHECK(sent.error().status() == levada::Status::NotFound);
  bool reached = false;
  const levada::Result<int> next = sent.and_then([&]() -> levada::Result<int> {
    reached = true;
    return 1;
  });
  CHECK(!reached && !next);
}

/// Both forms of a call on an empty handle.
#define EMPTY(handle, call)                                                 \
  do {                                                                      \
    const auto refused = (handle).try_##call;                               \
    CHECK(!refused && refused.error().status() == levada::Status::Invalid); \
    CHECK(throws<levada::InvalidError>([&] { (handle).call; }));            \
  } while (0)

void empty_handles_are_refused(levada::Database& database) {
  levada::Producer producer = database.producer();
  const levada::Producer moved = std::move(producer);
  CHECK(!producer && moved);  // NOLINT: that it is empty is the promise
  EMPTY(producer, send("there", "k", "v"));
  EMPTY(producer, flush(patience));
  EMPTY(producer, begin());
  EMPTY(producer, poll(patience));
  EMPTY(producer, on_delivery([](const levada::Report&) {}));
  EMPTY(producer, transaction([](levada::Transaction&) {}));
  EMPTY(producer, send_arrow("there", levada::ArrowStream()));
  CHECK(producer.buffered_bytes() == 0);
  levada::Database none;
  EMPTY(none, topic("there"));
  EMPTY(none, close());
  levada::Consumer consumer;
  EMPTY(consumer, poll(patience));
  EMPTY(consumer, subscribe("there"));
  EMPTY(consumer, on_rebalance([](levada::Rebalance, levada::PositionsView) {}));
  EMPTY(consumer, on_ready([] {}));
  consumer.wakeup();
  levada::Writer writer;
  EMPTY(writer, send("v"));
  EMPTY(writer, send_tracked("k", "v"));
  levada::Delivery delivery;
  EMPTY(delivery, wait(patience));
  levada::Scan scan;
  EMPTY(scan, stream());
  levada::Server server;
  EMPTY(server, stop(patience));
  CHECK(server.bootstrap().empty() && server.connections() == 0);
  levada::Commit commit;
  EMPTY(commit, wait(patience));
  CHECK(levada::Topic().name().empty());
  CHECK(levada::Names().empty() && levada::Settings().empty() && levada::Files().empty());
  CHECK(levada::Positions().empty() && levada::Reports().empty() && levada::Batch().empty());
  CHECK(levada::Group().empty() && levada::Group().state().empty());
}

void an_empty_argument_is_not_everything(levada::Database& database) {
  levada::Consumer consumer = database.consumer({{"group.id", "g"}});
  consumer.subscribe("there");
  const levada::Positions none;
  // C has NULL here for "where it stands" and "all".
  EMPTY(consumer, commit(none));
  EMPTY(consumer, commit_async(none));
  EMPTY(consumer, pause(none));
  levada::Writer writer;
  {
    levada::Producer producer = database.producer();
    writer = producer.writer("there");
    const levada::Headers lost;
    levada::SendOptions with;
    with.headers = &lost;
    EMPTY(writer, send_tracked("k", "v", with));
    EMPTY(writer, send_record("k", "v", with));
    levada::Consumer other;
    EMPTY(producer, send_offsets(other));
  }
}

void a_name_is_not_cut_short(levada::Database& database) {
  EMPTY(database, topic("there\0or not"sv));
  EMPTY(database, create_topic("good", 1, {{"retention.ms", "5\0000"sv}}));
  levada::Consumer consumer = database.consumer();
  EMPTY(consumer, subscribe({"there"sv, "there\0"sv}));
}

void handles_move_as_values_do(levada::Database& database) {
  levada::Topic topic = database.topic("there");
  levada_topic* raw = topic.get();
  levada::Topic& itself = topic;
  topic = std::move(itself);
  CHECK(topic.get() == raw);
  CHECK(topic.release() == raw && !topic);
  levada::Topic again(raw);
  CHECK(again.name() == "there");
  again.reset();
  again.reset();
  static_assert(!std::is_copy_constructible_v<levada::Topic>);
  static_assert(std::is_nothrow_move_constructible_v<levada::Consumer>);
  static_assert(std::is_nothrow_move_assignable_v<levada::Producer>);
  static_assert(std::is_nothrow_move_constructible_v<levada::Batch>);
  static_assert(std::is_nothrow_move_constructible_v<levada::ArrowStream>);
}

void a_closed_database_says_so() {
  levada::Database database = levada::Database::open(":memory:");
  database.create_topic("t");
  levada::Producer producer = database.producer();
  levada::Writer writer = producer.writer("t");
  producer.close(patience);
  CHECK(writer.try_send("v").error().status() == levada::Status::Closed);
  producer.close(patience);
  database.close();
  database.close();
  CHECK(throws<levada::ClosedError>([&] { database.create_topic("u"); }));
}

void a_delivery_callback_may_throw(levada::Database& database) {
  levada::Producer producer = database.producer();
  int called = 0;
  producer.on_delivery([&](const levada::Report&) {
    ++called;
    throw std::runtime_error("a callback that throws");
  });
  CHECK(throws<levada::ConflictError>([&] { producer.on_delivery([](const levada::Report&) {}); }));
  CHECK(throws<levada::InvalidError>([&] { producer.on_delivery({}); }));
  levada::Writer writer = producer.writer("there");
  writer.send_record("k", "1", {});
  writer.send_record("k", "2", {});
  producer.close(patience);
  producer.reset();
  CHECK(called == 2);
}

void a_freed_producer_calls_nobody(levada::Database& database) {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_freed = false;
  int called = 0;
  // It does not wait for its callback when it closes; freeing it does.
  levada::Producer producer = database.producer({{"max.block.ms", "1"}});
  producer.on_delivery([&](const levada::Report&) {
    std::unique_lock<std::mutex> held(mutex);
    ++called;
    changed.notify_all();
    // Longer than the producer waits for it, if it did.
    CHECK(!changed.wait_for(held, 200ms, [&] { return is_freed; }));
  });
  levada::Writer writer = producer.writer("there");
  for (int i = 0; i < 100; ++i) writer.send_record("k", "v", {});
  {
    std::unique_lock<std::mutex> held(mutex);
    CHECK(changed.wait_for(held, patience, [&] { return called > 0; }));
  }
  producer.reset();
  const std::lock_guard<std::mutex> held(mutex);
  is_freed = true;
  CHECK(called < 100);
}

void a_ready_callback_may_throw_and_is_let_go(levada::Database& database) {
  database.create_topic("quiet");
  const auto calls = std::make_shared<std::atomic<int>>(0);
  {
    levada::Consumer consumer = database.consumer();
    consumer.subscribe("quiet");
    CHECK(consumer.poll(0s).empty());
    consumer.on_ready([calls] {
      ++*calls;
      throw std::runtime_error("a callback that throws");
    });
    CHECK(throws<levada::InvalidError>([&] { consumer.on_ready(nullptr); }));
    consumer.wakeup();
    CHECK(*calls == 1 && calls.use_count() == 1);
    CHECK(consumer.poll(0s).empty());
    // Nothing happens until it ends.
    consumer.on_ready([calls] { ++*calls; });
    CHECK(*calls == 1 && calls.use_count() == 2);
  }
  CHECK(*calls == 2 && calls.use_count() == 1);
  levada::Consumer closed = database.consumer();
  closed.close();
  CHECK(throws<levada::ClosedError>([&] { closed.on_ready([calls] {}); }));
  CHECK(calls.use_count() == 1);
}

void a_rebalance_callback_may_fail(levada::Database& database) {
  const levada::Options options{
      {"group.id", "failing"}, {"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"}};
  const auto status_of = [&](auto callback) {
    levada::Consumer consumer = database.consumer(options);
    consumer.on_rebalance(std::move(callback));
    // Joining calls it: in here, or with the first poll.
    levada::Result<void> outcome = consumer.try_subscribe("there");
    if (outcome) {
      const levada::Result<levada::Batch> polled = consumer.try_poll(patience);
      outcome = polled ? levada::Result<void>() : levada::Result<void>(polled.error());
    }
    consumer.on_rebalance(nullptr);
    CHECK(consumer.try_close());
    return outcome ? levada::Status::Ok : outcome.error().status();
  };
  using levada::PositionsView;
  using levada::Rebalance;
  using levada::Status;
  CHECK(status_of([](Rebalance, PositionsView) {}) == Status::Ok);
  CHECK(status_of([](Rebalance, PositionsView) { return Status::Denied; }) == Status::Denied);
  CHECK(status_of([](Rebalance, PositionsView) {
          return levada::Result<void>(levada::Error(Status::Corrupt, "mine"));
        }) == Status::Corrupt);
  CHECK(status_of([](Rebalance, PositionsView) { throw levada::ConflictError("mine"); }) ==
        Status::Conflict);
  CHECK(status_of([](Rebalance, PositionsView) { throw 7; }) == Status::Internal);
  // An empty function is none.
  CHECK(status_of(std::function<void(Rebalance, PositionsView)>()) == Status::Ok);

  levada::Consumer alone = database.consumer();
  CHECK(throws<levada::InvalidError>([&] { alone.on_rebalance([](Rebalance, PositionsView) {}); }));
}

void a_logger_may_throw() {
  int called = 0;
  const levada::Logger logger(levada::LogLevel::Warn,
                              [&](levada::LogLevel, std::string_view, std::string_view) {
                                ++called;
                                throw std::bad_alloc();
                              });
  levada::Database database = levada::Database::open(":memory:");
  database.create_topic("t");
  levada::Producer producer = database.producer();
  producer.writer("t").send_values(std::vector<std::string>{"0", "1"});
  producer.flush(patience);
  levada::Consumer consumer = database.consumer({{"auto.offset.reset", "earliest"}});
  consumer.assign(levada::Positions::of({{"t", 0, 0}}));
  // What it would read next is gone: the library warns of that.
  database.delete_records("t", 0, 2);
  CHECK(consumer.poll(0s).empty());
  CHECK(called == 1);
  CHECK(throws<levada::InvalidError>([] { levada::Logger(levada::LogLevel::Info, nullptr); }));
}

void waiting_has_an_end() {
  using levada::Timeout;
  static_assert(Timeout(5s).ms() == 5000);
  static_assert(Timeout(0s).ms() == 0);
  // What is left until a deadline that is over is no wait at all.
  static_assert(Timeout(-5ms).ms() == 0);
  static_assert(Timeout(1ns).ms() == 1);
  static_assert(Timeout(std::chrono::duration<double>(0.0015)).ms() == 2);
  static_assert(levada::forever.ms() == -1);
  static_assert(Timeout(std::chrono::hours::max()).ms() == -1);
  static_assert(Timeout(std::chrono::hours::min()).ms() == 0);
  CHECK(Timeout(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).ms() == 0);
  CHECK(levada::Timestamp().ms() == -1);
  CHECK(levada::Timestamp(std::chrono::system_clock::time_point(1999us)).ms() == 1);
  CHECK(levada::time_of(std::numeric_limits<std::int64_t>::max()) > levada::time_of(0));
}

void bytes_know_null_from_empty() {
  using levada::bytes;
  CHECK(bytes().is_null() && bytes(levada::null).is_null() && bytes(std::nullopt).is_null());
  CHECK(bytes(nullptr).is_null() && bytes(static_cast<const char*>(nullptr)).is_null());
  CHECK(!bytes("").is_null() && !bytes(std::string_view()).is_null());
  CHECK(!bytes(std::vector<unsigned char>()).is_null());
  CHECK(!bytes(nullptr, 0).is_null());
  CHECK(bytes() != bytes("") && bytes() == levada::null && bytes("a") == "a" && bytes("a") != "b");
  const std::optional<std::string> nothing;
  const std::optional<std::string> something = "x";
  CHECK(bytes(nothing).is_null() && bytes(something) == "x");
  CHECK(bytes(std::string("\0x", 2)).size() == 2);
  CHECK(bytes("x").text() == "x" && std::string_view(bytes("x")) == "x" && bytes().text().empty());
  static_assert(!std::is_convertible_v<std::vector<int>, bytes>);
  static_assert(!std::is_convertible_v<std::list<char>, bytes>);
  static_assert(!std::is_convertible_v<int, bytes>);
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  {
    const std::string path = std::string(argv[1]) + "/data";
    levada::Database database = levada::Database::open(path);
    CHECK(throws<levada::ConflictError>([&] { levada::Database::open(path); }));
    an_error_is_caught_by_its_kind(database);
    each_kind_has_a_class();
    a_result_is_a_value_or_an_error(database);
    empty_handles_are_refused(database);
    an_empty_argument_is_not_everything(database);
    a_name_is_not_cut_short(database);
    handles_move_as_values_do(database);
    a_closed_database_says_so();
    a_delivery_callback_may_throw(database);
    a_freed_producer_calls_nobody(database);
    a_ready_callback_may_throw_and_is_let_go(database);
    a_rebalance_callback_may_fail(database);
    a_logger_may_throw();
    waiting_has_an_end();
    bytes_know_null_from_empty();
  }
  CHECK(levada::handle_count() == 0);
  return 0;
}
