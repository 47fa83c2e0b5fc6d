// A transaction is read whole or not at all, whatever way its block is left.
#include <levada.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "../check.h"

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

const levada::Options transactional{{"transactional.id", "till-1"}};

/// What a read-committed consumer finds in a topic.
std::vector<std::string> committed(levada::Database& database, const char* topic) {
  levada::Consumer consumer = database.consumer({{"isolation.level", "read_committed"},
                                                 {"auto.offset.reset", "earliest"},
                                                 {"enable.auto.commit", "false"}});
  consumer.subscribe(topic);
  std::vector<std::string> values;
  for (;;) {
    const levada::Batch batch = consumer.poll(0s);
    if (batch.empty()) return values;
    for (const levada::Record& r : batch) values.emplace_back(r.value().text());
  }
}

void a_block_that_is_left_commits(levada::Database& database) {
  database.create_topic("sales");
  levada::Producer producer = database.producer(transactional);
  producer.transaction([&](levada::Transaction&) {
    producer.send("sales", "k", "tea");
    producer.send("sales", "k", "milk");
  });
  CHECK(committed(database, "sales") == std::vector<std::string>{"tea", "milk"});
  const int given = producer.transaction(
      [&](auto&) {
        producer.send("sales", "k", "bread");
        return 7;
      },
      patience);
  CHECK(given == 7);
  CHECK(committed(database, "sales").size() == 3);
}

void what_the_block_throws_aborts(levada::Database& database) {
  levada::Producer producer = database.producer(transactional);
  bool caught = false;
  try {
    producer.transaction([&](auto&) {
      producer.send("sales", "k", "stolen");
      throw std::logic_error("out of stock");
    });
  } catch (const std::logic_error& error) {
    caught = error.what() == std::string("out of stock");
  }
  CHECK(caught);
  CHECK(committed(database, "sales").size() == 3);
  // It is over: another begins.
  producer.transaction([&](auto&) { producer.send("sales", "k", "eggs"); });
  CHECK(committed(database, "sales").size() == 4);
}

void an_error_of_the_block_aborts(levada::Database& database) {
  levada::Producer producer = database.producer(transactional);
  const levada::Result<int> outcome = producer.try_transaction([&](auto&) -> levada::Result<int> {
    producer.send("sales", "k", "stolen");
    return levada::Error(levada::Status::Denied, "no money");
  });
  CHECK(outcome.error().status() == levada::Status::Denied);
  CHECK(outcome.error().message() == "no money");
  const levada::Result<void> nothing = producer.try_transaction(
      [&](levada::Transaction&) { return producer.try_send("nowhere", "k", "v"); });
  CHECK(nothing.error().status() == levada::Status::NotFound);
  CHECK(committed(database, "sales").size() == 4);
  CHECK(producer.try_transaction([](auto&) {}));
}

void a_block_may_give_up(levada::Database& database) {
  levada::Producer producer = database.producer(transactional);
  const bool bought = producer.transaction([&](levada::Transaction& tx) {
    producer.send("sales", "k", "stolen");
    tx.abort();
    return false;
  });
  CHECK(!bought);
  CHECK(committed(database, "sales").size() == 4);
  CHECK(producer.try_abort(patience).error().status() == levada::Status::Conflict);
}

void by_hand_it_is_the_same(levada::Database& database) {
  levada::Producer producer = database.producer(transactional);
  producer.begin();
  CHECK(producer.try_begin().error().status() == levada::Status::Conflict);
  producer.send("sales", "k", "stolen");
  producer.abort(patience);
  CHECK(producer.try_commit(patience).error().status() == levada::Status::Conflict);
  producer.begin();
  producer.send("sales", "k", "salt");
  producer.commit(patience);
  CHECK(committed(database, "sales").back() == "salt");
  levada::Producer plain = database.producer();
  CHECK(plain.try_begin().error().status() == levada::Status::Invalid);
}

void offsets_go_with_the_records(levada::Database& database) {
  database.create_topic("totals");
  levada::Consumer consumer = database.consumer({{"group.id", "totals"},
                                                 {"isolation.level", "read_committed"},
                                                 {"auto.offset.reset", "earliest"},
                                                 {"enable.auto.commit", "false"}});
  consumer.subscribe("sales");
  levada::Producer producer = database.producer(transactional);
  const levada::Batch batch = consumer.poll(patience);
  CHECK(!batch.empty());
  producer.transaction([&](levada::Transaction& tx) {
    producer.send("totals", levada::null, std::to_string(batch.size()));
    tx.send_offsets(consumer);
  });
  CHECK(consumer.committed("sales", 0) == consumer.position("sales", 0));
  const auto nothing = producer.try_transaction([&](levada::Transaction& tx) {
    const auto sent = tx.try_send_offsets(consumer, levada::Positions::of({{"sales", 0, 1}}));
    CHECK(sent);
    tx.abort();
  });
  CHECK(nothing);
  CHECK(consumer.committed("sales", 0) == consumer.position("sales", 0));
  CHECK(committed(database, "totals") == std::vector<std::string>{std::to_string(batch.size())});
}

void a_second_producer_fences_the_first(levada::Database& database) {
  levada::Producer first = database.producer(transactional);
  first.begin();
  first.send("sales", "k", "stolen");
  levada::Producer second = database.producer(transactional);
  bool fenced = false;
  try {
    first.commit(patience);
  } catch (const levada::FencedError&) {
    fenced = true;
  }
  CHECK(fenced);
  second.transaction([&](auto&) { second.send("sales", "k", "last"); });
  CHECK(committed(database, "sales").back() == "last");
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  {
    levada::Database database = levada::Database::open(std::string(argv[1]) + "/data");
    a_block_that_is_left_commits(database);
    what_the_block_throws_aborts(database);
    an_error_of_the_block_aborts(database);
    a_block_may_give_up(database);
    by_hand_it_is_the_same(database);
    offsets_go_with_the_records(database);
    a_second_producer_fences_the_first(database);
  }
  CHECK(levada::handle_count() == 0);
  return 0;
}
