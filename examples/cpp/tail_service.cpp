// A service that keeps a topic: clients of Kafka write to it over the network, and it reads along
// in its own process, without a socket in between.
//
//   c++ -std=c++17 tail_service.cpp -llevada -o tail_service
//   ./tail_service DIRECTORY TOPIC [--port PORT] [--count N]
//
// The first line that it prints is where clients connect to. It ends after N records, or with
// SIGINT or SIGTERM.
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <levada.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace {

struct Arguments {
  std::string directory;
  std::string topic;
  std::string port = "0";
  /// No end if it is not said.
  std::optional<std::uint64_t> count;
};

std::optional<Arguments> parse(int argc, char** argv) {
  if (argc < 3) return std::nullopt;
  Arguments arguments;
  arguments.directory = argv[1];
  arguments.topic = argv[2];
  for (int i = 3; i < argc; i += 2) {
    if (i + 1 == argc) return std::nullopt;
    const std::string_view name = argv[i];
    const std::string_view value = argv[i + 1];
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (wrong != std::errc() || end != value.data() + value.size()) return std::nullopt;
    if (name == "--port") {
      arguments.port = value;
    } else if (name == "--count") {
      arguments.count = number;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

/// Blocks SIGINT and SIGTERM in this thread and in those that it makes from now on.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// Waits for blocked signals on a thread of its own, where all of C++ may be called, unlike in a
/// signal handler, and wakes the consumer. It must go before the consumer does.
class Stopper {
 public:
  Stopper(const sigset_t& signals, levada::Consumer& consumer)
      : waiter_([this, signals, &consumer] {
          int signal = 0;
          sigwait(&signals, &signal);
          is_stopped_ = true;
          consumer.wakeup();
        }) {}
  ~Stopper() {
    // Ends its wait, if that is not over.
    pthread_kill(waiter_.native_handle(), SIGTERM);
    waiter_.join();
  }
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

  bool is_stopped() const { return is_stopped_; }

 private:
  std::atomic<bool> is_stopped_{false};
  // Last, so that its thread finds the rest made.
  std::thread waiter_;
};

void print(const levada::Record& r) {
  std::cout << r.topic() << ' ' << r.partition() << ' ' << r.offset() << ' ' << r.timestamp_ms()
            << ' ' << r.key().value_or("-").text() << ' ' << r.value().value_or("-").text();
  for (const levada::Header& header : r.headers()) {
    std::cout << ' ' << header.name << '=' << header.value.text();
  }
  std::cout << '\n';
}

/// Prints records until there were enough of them, or a signal came.
void tail(levada::Consumer& consumer, const Stopper& stopper, std::optional<std::uint64_t> count) {
  std::uint64_t printed = 0;
  while (!stopper.is_stopped() && (!count || printed < *count)) {
    const levada::Batch batch = consumer.poll(levada::forever);
    for (const levada::Record& r : batch) {
      if (count && printed == *count) break;
      print(r);
      ++printed;
    }
    std::cout.flush();
  }
}

void serve(const Arguments& arguments) {
  // Before the database, whose threads inherit what is blocked.
  const sigset_t signals = block_signals();
  levada::Database database = levada::Database::open(arguments.directory);
  const levada::Result<void> created = database.try_create_topic(arguments.topic);
  if (!created && created.error().status() != levada::Status::Exists) created.value();
  levada::Server server = database.serve({{"listeners", "127.0.0.1:" + arguments.port}});

  levada::Consumer consumer =
      database.consumer({{"auto.offset.reset", "earliest"}, {"isolation.level", "read_committed"}});
  consumer.subscribe(arguments.topic);
  std::cout << server.bootstrap() << std::endl;
  {
    const Stopper stopper(signals, consumer);
    tail(consumer, stopper, arguments.count);
  }

  consumer.close();
  server.stop(std::chrono::seconds(5));
  database.close();
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    std::cerr << "usage: tail_service DIRECTORY TOPIC [--port PORT] [--count N]\n";
    return 2;
  }
  try {
    serve(*arguments);
  } catch (const levada::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
