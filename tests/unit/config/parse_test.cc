// What is wrong with a file is said with its line, the thing and the next step.
#include "daemon/config/parse.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "daemon/config/validate.h"
#include "tests/unit/config/support.h"

namespace skerry::config {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* text;
  const char* error;
};

void check_errors(std::span<const Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string error = error_of(row.text);
    CAPTURE(error);
    CHECK(error.contains(row.error));
    CHECK(error.contains("f.yml"));
    CHECK(error.contains("; "));  // the next step
  }
}

TEST_CASE("unknown keys are errors with a guess at what was meant") {
  const Row rows[] = {
      {"lease:\n  type: static\n  candidat: true\n",
       "f.yml:3: lease.candidat is not a known key; did you mean \"lease.candidate\"?"},
      {"lease: {type: static}\nfuse: {Dir: /x}\n",
       "f.yml:2: fuse.Dir is not a known key; did you mean \"fuse.dir\"?"},
      {"lease: {type: static}\nhttp: {snapshot_timeout: 1s}\n",
       "f.yml:2: http.snapshot_timeout is not a known key; did you mean "
       "\"http.snapshot-timeout\"?"},
      {"leases: {type: static}\n", "f.yml:1: leases is not a known key; did you mean \"lease\"?"},
      {"lease: {type: static}\ncandidate: true\n",
       "f.yml:2: candidate is not a known key; did you mean \"lease.candidate\"?"},
      {"lease: {type: static}\nconsul: {url: x}\n",
       "f.yml:2: consul is not a known key; did you mean \"lease.consul\"?"},
      {"lease: {type: static}\ndata-dir: /x\n",
       "f.yml:2: data-dir is not a known key; did you mean \"data.dir\"?"},
      {"lease: {type: static}\nfuse: {mountpoint: /x}\n",
       "f.yml:2: fuse.mountpoint is not a known key; known here are dir, allow-other, debug"},
      {"lease: {type: static, <<: {type: consul}}\n", "f.yml:1: lease.<< is not a known key"},
      {"lease: {type: static}\nexec: [{cmd: a, if-candidates: true}]\n",
       "f.yml:2: if-candidates is not a key of exec; did you mean \"if-candidate\"?"},
      {"lease: {type: static}\nexec: [{cmd: a, user: app}]\n",
       "f.yml:2: user is not a key of exec; it has cmd, if-candidate, if-primary and shell"},
  };
  check_errors(rows);
}

TEST_CASE("what is given twice, at the wrong place or not at all is an error") {
  const Row rows[] = {
      {"", "f.yml: lease.type is missing; write consul or static"},
      {"# nothing\n", "f.yml: lease.type is missing; write consul or static"},
      {"lease:\n", "f.yml: lease.type is missing"},
      {"lease: {type: static}\nlease: {type: static}\n",
       "f.yml:2: lease is given twice; remove one"},
      {"lease:\n  type: static\n  type: static\n",
       "f.yml:3: lease.type is given twice; remove one"},
      {"lease: {type: static}\nexec: [{cmd: a, cmd: b}]\n",
       "f.yml:2: cmd of exec is given twice; remove one"},
      {"lease: static\n",
       "f.yml:1: lease is a section; write its keys indented below it: type, hostname"},
      {"lease: [type]\n", "f.yml:1: lease is a section; write its keys indented below it"},
      {"- lease\n", "f.yml:1: the file is not a list of keys; write them as \"key: value\""},
      {"lease\n", "f.yml:1: the file is not a list of keys; write them as \"key: value\""},
      {"? [a]\n: b\n", "f.yml:1: not valid YAML: a key must be plain text; check"},
      {"lease: {type: static\n", "not valid YAML: "},
      {"lease:\n\ttype: static\n", "not valid YAML: "},
      {"lease: {type: static}\nproxy: {passthrough: [*.ico]}\n", "f.yml:2: not valid YAML: "},
      {"a: &a [x]\nb: &b [*a,*a]\nc: [*b, {d: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}]\n",
       "not valid YAML: values are nested too deeply; check"},
  };
  check_errors(rows);
}

TEST_CASE("a value of the wrong kind is an error that says what to write") {
  const Row rows[] = {
      {"lease: {type: static}\nfuse: {debug: maybe}\n",
       "f.yml:2: fuse.debug is \"maybe\"; write true or false"},
      {"lease: {type: static}\nfuse: {debug: 1}\n", "fuse.debug is \"1\"; write true or false"},
      {"lease: {type: static}\nfuse: {debug: [true]}\n", "fuse.debug is a list; write true"},
      {"lease: {type: static}\nfuse: {dir: [/x]}\n", "f.yml:2: fuse.dir is a list; write a text"},
      {"lease: {type: static}\nfuse: {dir: {x: y}}\n", "fuse.dir is a section; write a text"},
      {"lease: {type: static}\ndata: {retention: 10}\n",
       "data.retention is \"10\"; write a duration with its unit, such as 10s, 1m30s or 100ms"},
      {"lease: {type: static}\ndata: {retention: {s: 1}}\n",
       "data.retention is a section; write a duration with its unit"},
      {"lease: {type: static}\ndata: {retention-bytes: much}\n",
       "data.retention-bytes is \"much\"; write a size, such as 500MB, 1GB or 64MiB"},
      {"lease: {type: static}\ntracing: {max-count: -1}\n",
       "tracing.max-count is \"-1\"; write a whole number that is not negative"},
      {"lease: {type: static}\nproxy: {passthrough: /x}\n",
       "proxy.passthrough is \"/x\"; write a list, such as [\"a\", \"b\"]"},
      {"lease: {type: static}\nproxy:\n  passthrough:\n  - [a]\n",
       "f.yml:4: proxy.passthrough holds an entry that is no text; write texts only"},
      {"lease: {type: etcd}\n", "f.yml:1: lease.type is \"etcd\"; write consul or static"},
      {"lease: {type: [static]}\n", "f.yml:1: lease.type is a list; write consul or static"},
      {"lease: {type: static}\nlog: {format: xml}\n", "log.format is \"xml\"; write text or json"},
      {"lease: {type: static}\nbackup: {type: s3}\n",
       "backup.type is \"s3\"; write file or litefs-cloud"},
      {"lease: {type: static}\nexec: {cmd: a}\n", "f.yml:2: exec is a section; write one command"},
      {"lease: {type: static}\nexec: [a]\n",
       "f.yml:2: exec holds an entry that is no command; write it as \"- cmd: …\""},
      {"lease: {type: static}\nexec: [{if-candidate: true}]\n",
       "f.yml:2: an entry of exec has no cmd; write the command"},
      {"lease: {type: static}\nexec: [{cmd: }]\n",
       "exec \"\": the command is empty; write it, or remove the entry"},
      {"lease: {type: static}\nexec: [{cmd: [npm, start]}]\n",
       "cmd of exec is no text; write the command with its arguments in one text"},
      {"lease: {type: static}\nexec: [{cmd: a, shell: perhaps}]\n",
       "shell of exec is \"perhaps\"; write true or false"},
      {"lease: {type: static}\nexec: a && b\n",
       "f.yml:2: exec \"a && b\": the command holds an unquoted &&, which only a shell "
       "understands; "
       "make it a list entry with \"shell: true\", or put quotation marks around it"},
      {"lease: {type: static}\nexec:\n- cmd: ok\n- cmd: a | b\n",
       "f.yml:4: exec \"a | b\": the command holds an unquoted |,"},
  };
  check_errors(rows);
}

TEST_CASE("values that contradict each other or leave their range are errors") {
  const Row rows[] = {
      {"lease: {type: static}\nfuse: {dir: /x}\ndata: {dir: /x/}\n",
       "f.yml:3: fuse.dir and data.dir are both /x/; give them two folders"},
      {"lease: {type: static}\nfuse: {dir: /x}\ndata: {dir: /x/../x/y}\n",
       "f.yml:3: fuse.dir /x and data.dir /x/../x/y lie one within the other; give them two "
       "separate folders"},
      {"lease: {type: static}\nfuse: {dir: /data/mnt}\ndata: {dir: /data}\n",
       "f.yml:3: fuse.dir /data/mnt and data.dir /data lie one within the other; give"},
      {"lease: {type: static}\nfuse: {dir: ''}\n", "f.yml:2: fuse.dir is empty; write the folder"},
      {"lease: {type: static}\ndata: {dir: ''}\n", "f.yml:2: data.dir is empty; write the folder"},
      {"lease: {type: static}\nhttp: {addr: 20202}\n",
       "f.yml:2: http.addr is \"20202\"; write host:port, or :port for all"},
      {"lease: {type: static}\nhttp: {snapshot-timeout: -1s}\n",
       "f.yml:2: http.snapshot-timeout is \"-1s\"; write 0s or more"},
      {"lease: {type: static}\ndata: {retention-monitor-interval: 0}\n",
       "data.retention-monitor-interval is \"0\"; write 1ms or more"},
      {"lease: {type: static}\nproxy: {target: 'localhost:1'}\n",
       "f.yml: proxy.addr is empty; proxy.target asks for it; write where to listen"},
      {"lease: {type: static}\nproxy: {target: 'localhost:1'}\n",
       "f.yml: proxy.db is empty; proxy.target asks for it; write the database's file name"},
      {"lease: {type: static}\nproxy: {target: app, addr: ':1', db: d}\n",
       "f.yml:2: proxy.target is \"app\"; write host:port"},
      {"lease: {type: static, advertise-url: 'primary:20202'}\n",
       "f.yml:1: lease.advertise-url is \"primary:20202\"; write a URL that begins with http://"},
      {"lease: {type: static, candidate: false}\n",
       "lease.advertise-url is empty; a replica with a static lease asks for it; write the "
       "primary's URL"},
      {"lease: {type: static, databases: [a.db]}\n",
       "f.yml:1: lease.databases leaves databases out, which only a replica may do; set "
       "lease.candidate to false"},
      {"lease: {type: consul}\n",
       "lease.consul.url is empty; write Consul's URL; on Fly, \"fly consul attach\" sets"},
      {"lease: {type: consul, consul: {url: 'http://c'}}\n",
       "lease.consul.key is empty; write a key that all nodes of this cluster share"},
      {"lease: {type: consul, consul: {url: 'http://c', key: k, ttl: 5s}}\n",
       "lease.consul.ttl is \"5s\"; write a duration from 10s to 24h"},
      {"lease: {type: consul, consul: {url: 'http://c', key: k, lock-delay: 2m}}\n",
       "lease.consul.lock-delay is \"2m\"; write a duration from 0s to 1m"},
      {"lease: {type: static}\nbackup: {type: file}\n",
       "backup.path is empty; backup.type file asks for it; write a folder"},
  };
  check_errors(rows);
}

TEST_CASE("all errors of a file are shown at once, with warnings that may be their cause") {
  const std::string error = error_of("fuse: {dri: /x}\nhttp: {addr: $PORT_NOT_SET}\nlease: {}\n");
  CHECK(error ==
        "f.yml:1: fuse.dri is not a known key; did you mean \"fuse.dir\"?\n"
        "f.yml: lease.type is missing; write consul or static\n"
        "warning: f.yml:2: the environment variable PORT_NOT_SET is not set; nothing is put in its "
        "place\n"
        "warning: f.yml:2: http.addr is empty, so its default :20202 holds; give it a value, or "
        "remove the key");
  std::string many = "lease: {type: static}\n";
  for (int i = 0; i < 30; ++i) many += fmt::format("unknown{}: 1\n", i);
  CHECK(error_of(many).ends_with("\nand 10 more"));
}

TEST_CASE("secrets do not get into messages") {
  const char* texts[] = {
      "lease: {type: consul, consul: {url: 'c://:hunter2@x', key: k}}\n",
      "lease: {type: static}\nbackup: {url: ':hunter2@x'}\n",
      "lease: {type: static}\nbackup: {auth-token: [hunter2]}\n",
  };
  for (const char* text : texts) {
    CAPTURE(text);
    const std::string error = error_of(text);
    CHECK_FALSE(error.empty());
    CHECK_FALSE(error.contains("hunter2"));
  }
}

TEST_CASE("an empty value keeps the default and says so where that matters") {
  const auto parsed = parse_with(
      "lease:\n  type: static\n  candidate: $IS_PRIMARY\n  hostname:\nexec:\nproxy:\n", {});
  REQUIRE(parsed);
  CHECK(parsed->config.lease.candidate);
  CHECK(parsed->warnings ==
        std::vector<std::string>{"f.yml:3: the environment variable IS_PRIMARY is not set; nothing "
                                 "is put in its place",
                                 "f.yml:3: lease.candidate is empty, so its default true holds; "
                                 "give it a value, or remove the key"});
}

TEST_CASE("values are as forgiving as Go's YAML") {
  const auto parsed = parse_with(
      "lease: {type: \"static\", candidate: \"true\"}\n"
      "fuse: {dir: 123, debug: 'yes'}\nexec: ''\n---\nsecond: document\n");
  if (!parsed) FAIL(parsed.error().message());
  CHECK(parsed->config.fuse.dir == "123");
  CHECK(parsed->config.fuse.debug);
  CHECK(parsed->config.exec.empty());
}

TEST_CASE("commands keep their order and their conditions") {
  const auto parsed = parse_with(
      "lease: {type: static}\n"
      "exec:\n"
      "  - cmd: npx prisma migrate deploy\n"
      "    if-candidate: true\n"
      "  - cmd: a && b | c\n"
      "    shell: true\n"
      "  - cmd: \"npm start\"\n");
  if (!parsed) FAIL(parsed.error().message());
  const auto& exec = parsed->config.exec;
  REQUIRE(exec.size() == 3);
  CHECK(exec[0].if_candidate);
  CHECK(exec[0].argv == std::vector<std::string>{"npx", "prisma", "migrate", "deploy"});
  CHECK(exec[1].argv == std::vector<std::string>{"/bin/sh", "-c", "a && b | c"});
  CHECK_FALSE(exec[2].if_candidate);
}

TEST_CASE("without expansion dollar signs are ordinary") {
  Source source = source_with({{"X", "no"}});
  source.expand = false;
  const auto parsed = parse("lease: {type: static}\nfuse: {dir: /$X$$}\n", source);
  REQUIRE(parsed);
  CHECK(parsed->config.fuse.dir == "/$X$$");
}

TEST_CASE("what depends on other settings is resolved") {
  const char* consul = "lease: {type: consul, consul: {url: 'http://c', key: k}}\n";
  const auto parsed = parse_with(std::string(consul) + "http: {addr: ':9'}\ndata: {retention: 2m}");
  REQUIRE(parsed);
  CHECK(parsed->config.lease.hostname == "box");
  CHECK(parsed->config.lease.advertise_url == "http://box:9");
  CHECK(parsed->config.http.snapshot_timeout == 2min);
  const auto unbound = parse_with(std::string(consul) + "http: {addr: ':0'}\n");
  CHECK(unbound->config.lease.advertise_url.empty());
  const auto cloud = parse_with("lease: {type: static}\nbackup: {type: litefs-cloud}\n");
  CHECK(cloud->config.backup.url == "https://litefs.fly.io");
  const auto forever = parse_with("lease: {type: static}\ndata: {retention: 0}\n");
  CHECK(forever->config.http.snapshot_timeout == 0s);
}

}  // namespace
}  // namespace skerry::config
