// The configuration files that LiteFS's users deploy, read unchanged.
#include <doctest/doctest.h>

#include "tests/unit/config/support.h"

namespace skerry::config {
namespace {

using Texts = std::vector<std::string>;

Config parsed(std::string_view text, Variables variables) {
  auto result = parse_with(text, std::move(variables));
  if (!result) FAIL(result.error().message());
  return std::move(result->config);
}

Variables fly(const char* region) {
  return {{"FLY_REGION", region},
          {"PRIMARY_REGION", "ams"},
          {"HOSTNAME", "3d8d9014b32d78"},
          {"FLY_APP_NAME", "my-app"},
          {"FLY_CONSUL_URL", "https://:secret-token@consul.example/my-app-x1/"}};
}

TEST_CASE("Fly with Consul, as the documentation gives it") {
  const char* text = R"(
# Where the application finds its database.
fuse:
  dir: "/litefs"

data:
  dir: "/var/lib/litefs"

exit-on-error: false

proxy:
  addr: ":8080"
  target: "localhost:8081"
  db: "db"
  passthrough:
    - "*.ico"
    - "*.png"

exec:
  - cmd: "litefs-example -addr :8081 -dsn /litefs/db"

lease:
  type: "consul"
  advertise-url: "http://${HOSTNAME}.vm.${FLY_APP_NAME}.internal:20202"
  candidate: ${FLY_REGION == PRIMARY_REGION}
  promote: true
  consul:
    url: "${FLY_CONSUL_URL}"
    key: "litefs/${FLY_APP_NAME}"
)";
  const Config c = parsed(text, fly("ams"));
  CHECK(c.fuse.dir == "/litefs");
  CHECK_FALSE(c.exit_on_error);
  CHECK(c.proxy.addr == ":8080");
  CHECK(c.proxy.target == "localhost:8081");
  CHECK(c.proxy.db == "db");
  CHECK(c.proxy.passthrough == Texts{"*.ico", "*.png"});
  REQUIRE(c.exec.size() == 1);
  CHECK(c.exec[0].argv == Texts{"litefs-example", "-addr", ":8081", "-dsn", "/litefs/db"});
  CHECK(c.lease.type == LeaseType::kConsul);
  CHECK(c.lease.advertise_url == "http://3d8d9014b32d78.vm.my-app.internal:20202");
  CHECK(c.lease.hostname == "box");
  CHECK(c.lease.candidate);
  CHECK(c.lease.promote);
  CHECK(c.lease.consul.url == "https://:secret-token@consul.example/my-app-x1/");
  CHECK(c.lease.consul.key == "litefs/my-app");
  CHECK_FALSE(parsed(text, fly("sin")).lease.candidate);
}

TEST_CASE("a web stack with Prisma and a cache database") {
  const char* text = R"(
fuse:
  dir: '${LITEFS_DIR}'

data:
  dir: '/data/litefs'

proxy:
  # The public port, and the application's.
  addr: ':${INTERNAL_PORT}'
  target: 'localhost:${PORT}'
  db: '${DATABASE_FILENAME}'

lease:
  type: 'consul'
  candidate: ${FLY_REGION == PRIMARY_REGION}
  promote: true
  advertise-url: 'http://${HOSTNAME}.vm.${FLY_APP_NAME}.internal:20202'

  consul:
    url: '${FLY_CONSUL_URL}'
    key: 'epic-stack-litefs_20250222/${FLY_APP_NAME}'

exec:
  - cmd: npx prisma migrate deploy
    if-candidate: true

  - cmd: sqlite3 $DATABASE_PATH "PRAGMA journal_mode = WAL;"
    if-candidate: true

  - cmd: npm start
)";
  Variables variables = fly("ams");
  variables.insert({{"LITEFS_DIR", "/litefs/data"},
                    {"INTERNAL_PORT", "8080"},
                    {"PORT", "8081"},
                    {"DATABASE_FILENAME", "sqlite.db"},
                    {"DATABASE_PATH", "/litefs/data/sqlite.db"}});
  const Config c = parsed(text, variables);
  CHECK(c.fuse.dir == "/litefs/data");
  CHECK(c.data.dir == "/data/litefs");
  CHECK(c.proxy.addr == ":8080");
  CHECK(c.proxy.target == "localhost:8081");
  CHECK(c.proxy.db == "sqlite.db");
  CHECK(c.lease.consul.key == "epic-stack-litefs_20250222/my-app");
  REQUIRE(c.exec.size() == 3);
  CHECK(c.exec[0].if_candidate);
  CHECK(c.exec[1].argv == Texts{"sqlite3", "/litefs/data/sqlite.db", "PRAGMA journal_mode = WAL;"});
  CHECK(c.exec[2].argv == Texts{"npm", "start"});
}

TEST_CASE("Rails, as its Dockerfile generator writes it") {
  const char* text = R"(
fuse:
  dir: "/litefs"
data:
  dir: "/data/litefs"
proxy:
  addr: ":3000"
  target: "localhost:3001"
  db: "production.sqlite3"
  passthrough: ["*.ico", "*.png"]
lease:
  type: "consul"
  candidate: ${FLY_REGION == "ams"}
  advertise-url: "http://${FLY_ALLOC_ID}.vm.${FLY_APP_NAME}.internal:20202"
  consul:
    url: "${FLY_CONSUL_URL}"
    key: "${FLY_APP_NAME}/primary"
    ttl: "10s"
    lock-delay: "1s"
exec:
  - cmd: "bundle exec rails db:prepare"
    if-candidate: true
  - cmd: "./bin/rails server -p 3001"
)";
  Variables variables = fly("sin");
  variables.emplace("FLY_ALLOC_ID", "b996131a");
  const Config c = parsed(text, variables);
  CHECK(c.proxy.passthrough == Texts{"*.ico", "*.png"});
  CHECK_FALSE(c.lease.candidate);
  CHECK(c.lease.advertise_url == "http://b996131a.vm.my-app.internal:20202");
  CHECK(c.lease.consul.key == "my-app/primary");
  CHECK(c.exec[0].argv == Texts{"bundle", "exec", "rails", "db:prepare"});
  CHECK(c.exec[1].argv == Texts{"./bin/rails", "server", "-p", "3001"});
}

TEST_CASE("a static primary with Docker Compose") {
  const char* text = R"(
fuse:
  dir: "/litefs"
  allow-other: true
data:
  dir: "/var/lib/litefs"
exec: "myapp -dsn /litefs/db"
lease:
  type: "static"
  hostname: "primary"
  advertise-url: "http://primary:20202"
  candidate: $IS_PRIMARY
)";
  const Config primary = parsed(text, {{"IS_PRIMARY", "true"}});
  CHECK(primary.fuse.allow_other);
  CHECK(primary.lease.type == LeaseType::kStatic);
  CHECK(primary.lease.candidate);
  CHECK(primary.lease.hostname == "primary");
  REQUIRE(primary.exec.size() == 1);
  CHECK(primary.exec[0].argv == Texts{"myapp", "-dsn", "/litefs/db"});
  const Config replica = parsed(text, {{"IS_PRIMARY", "false"}});
  CHECK_FALSE(replica.lease.candidate);
  CHECK(replica.lease.advertise_url == "http://primary:20202");
}

TEST_CASE("the sample with every section") {
  const char* text = R"(
fuse:
  dir: "/litefs"
  debug: false
data:
  dir: "/var/lib/litefs"
  compress: true
  retention: "10m"
  retention-monitor-interval: "1m"
exec: "rails server -p 3001"
exit-on-error: true
skip-sync: false
http:
  addr: ":20202"
proxy:
  addr: ":3000"
  target: "localhost:3001"
  db: "db"
  passthrough: ["/debug/*", "*.png"]
lease:
  type: "consul"
  hostname: "localhost"
  advertise-url: "http://localhost:20202"
  candidate: true
  promote: false
  reconnect-delay: "1s"
  demote-delay: "10s"
  consul:
    url: "http://localhost:8500"
    key: "litefs/primary"
    ttl: "10s"
    lock-delay: "1s"
log:
  format: "text"
  timestamp: true
  debug: false
tracing:
  path: "/var/log/litefs/trace.log"
  max-size: 64
  max-count: 10
  compress: true
)";
  const Config c = parsed(text, {});
  CHECK(c.log.timestamp);
  CHECK(c.tracing.max_size_bytes == 64u << 20);
  CHECK(c.tracing.max_count == 10);
  CHECK(c.proxy.passthrough == Texts{"/debug/*", "*.png"});
}

}  // namespace
}  // namespace skerry::config
