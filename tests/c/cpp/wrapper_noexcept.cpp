// Built with -fno-exceptions: each call has its form that does not throw, and those alone.
#include <levada.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "../check.h"

#ifndef LEVADA_NO_EXCEPTIONS
#error "this program is to be built with -fno-exceptions"
#endif

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

template <class T, class = void>
struct HasClose : std::false_type {};
template <class T>
struct HasClose<T, std::void_t<decltype(std::declval<T&>().close())>> : std::true_type {};

static_assert(!HasClose<levada::Database>::value && !HasClose<levada::Producer>::value);

levada::Result<int> count(levada::Database& database) {
  auto consumer = database.try_consumer({{"auto.offset.reset", "earliest"}});
  if (!consumer) return consumer.error();
  const auto subscribed = consumer->try_subscribe("plain");
  if (!subscribed) return subscribed.error();
  int counted = 0;
  for (;;) {
    const auto batch = consumer->try_poll(0s);
    if (!batch) return batch.error();
    if (batch->empty()) return counted;
    for (const levada::Record& r : *batch) counted += r.key() == "k" ? 1 : 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  {
    auto opened = levada::Database::try_open(std::string(argv[1]) + "/data");
    CHECK(opened);
    levada::Database database = *std::move(opened);
    CHECK(database.try_create_topic("plain"));
    auto producer = database.try_producer();
    CHECK(producer);
    int delivered = 0;
    const auto listens =
        producer->try_on_delivery([&](const levada::Report& r) { delivered += r.is_delivered(); });
    CHECK(listens);
    auto writer = producer->try_writer("plain");
    CHECK(writer);
    CHECK(writer->try_send("k", "1"));
    CHECK(writer->try_send_record("k", "2", {}));
    CHECK(producer->try_close(patience));
    *producer = levada::Producer();
    CHECK(delivered == 1);
    CHECK(count(database).value_or(0) == 2);

    auto till = database.try_producer({{"transactional.id", "till"}});
    CHECK(till);
    const auto refused = till->try_transaction([&](levada::Transaction&) -> levada::Result<void> {
      const auto sent = till->try_send("plain", "k", "3");
      CHECK(sent);
      return levada::Error(levada::Status::Denied, "no");
    });
    CHECK(refused.error().status() == levada::Status::Denied);
    CHECK(database.try_topic("nowhere").error().status() == levada::Status::NotFound);
    CHECK(database.try_close());
  }
  CHECK(levada::handle_count() == 0);
  return 0;
}
