#include "daemon/admin/json.h"

#include <doctest/doctest.h>

namespace skerry::admin {
namespace {

void write_sample(JsonWriter& json) {
  json.begin_object();
  json.key("text").value("a\"b\\c\n\x01ü");
  json.key("list").begin_array();
  json.value(int64_t{-1});
  json.value(uint64_t{18446744073709551615u});
  json.null();
  json.begin_object();
  json.end_object();
  json.end_array();
  json.key("truth").value(true);
  json.key("empty").begin_array();
  json.end_array();
  json.end_object();
}

TEST_CASE("JSON on one line, and indented") {
  JsonWriter compact;
  write_sample(compact);
  CHECK(compact.take() ==
        "{\"text\":\"a\\\"b\\\\c\\u000a\\u0001ü\",\"list\":[-1,18446744073709551615,null,{}],"
        "\"truth\":true,\"empty\":[]}");
  JsonWriter indented(2);
  write_sample(indented);
  CHECK(indented.take() ==
        "{\n  \"text\": \"a\\\"b\\\\c\\u000a\\u0001ü\",\n  \"list\": [\n    -1,\n    "
        "18446744073709551615,\n    null,\n    {}\n  ],\n  \"truth\": true,\n  \"empty\": []\n}");
}

TEST_CASE("what is not UTF-8 stays readable") {
  JsonWriter json;
  json.value("a\xff.db");
  CHECK(json.take() == "\"a\\\\xff.db\"");
}

TEST_CASE("times are in UTC with milliseconds") {
  CHECK(rfc3339(0) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339(1'683'356'889'007) == "2023-05-06T07:08:09.007Z");
  CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace skerry::admin
