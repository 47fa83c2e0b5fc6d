// A database is served: who connects is counted, speaks Kafka's protocol, and is let go.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <levada.hpp>
#include <string>
#include <thread>
#include <vector>

#include "../check.h"

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

int connect_to(std::string_view bootstrap) {
  const std::size_t colon = bootstrap.rfind(':');
  CHECK(bootstrap.substr(0, colon) == "127.0.0.1");
  const int port = std::stoi(std::string(bootstrap.substr(colon + 1)));
  CHECK(port > 0);
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connection >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return connection;
}

/// Sends ApiVersions, version 0, and reads the answer to its end.
std::vector<unsigned char> ask_for_versions(int connection) {
  const std::vector<unsigned char> request{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 77, 0xff, 0xff};
  CHECK(write(connection, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
  const auto read_all = [&](std::size_t size) {
    std::vector<unsigned char> bytes(size);
    std::size_t got = 0;
    while (got < size) {
      const ssize_t some = read(connection, bytes.data() + got, size - got);
      CHECK(some > 0);
      got += static_cast<std::size_t>(some);
    }
    return bytes;
  };
  const std::vector<unsigned char> size = read_all(4);
  return read_all((std::size_t{size[2]} << 8) + size[3]);
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  if (!levada::has_feature("broker")) return 0;
  {
    levada::Database database = levada::Database::open(std::string(argv[1]) + "/data");
    levada::Server made = database.serve({{"listeners", "127.0.0.1:0"}});
    levada::Server server = std::move(made);
    const int connection = connect_to(server.bootstrap());
    const std::vector<unsigned char> answer = ask_for_versions(connection);
    CHECK(answer.size() > 6 && answer[3] == 77 && answer[4] == 0 && answer[5] == 0);
    CHECK(server.connections() == 1);

    // Two serve one database; an address that is taken is refused.
    levada::Server second = database.serve({{"listeners", "127.0.0.1:0"}});
    CHECK(second.bootstrap() != server.bootstrap());
    const auto taken = database.try_serve({{"listeners", server.bootstrap()}});
    CHECK(taken.error().status() == levada::Status::Unavailable);
    bool refused = false;
    try {
      database.serve({{"no.such.setting", "1"}});
    } catch (const levada::InvalidError&) {
      refused = true;
    }
    CHECK(refused);
    second.stop(patience);
    second.stop(patience);

    server.stop(patience);
    unsigned char byte = 0;
    CHECK(read(connection, &byte, 1) <= 0);
    close(connection);
    // The database goes on without it.
    database.create_topic("after");
    levada::Server third = database.serve({{"listeners", "127.0.0.1:0"}});
    database.close();
    CHECK(third.connections() == 0);
  }
  CHECK(levada::handle_count() == 0);
  return 0;
}
