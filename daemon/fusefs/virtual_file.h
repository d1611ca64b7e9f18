// The files that only show something: <db>-pos, <db>-lock, .primary, .lag.
#pragma once

#include <functional>
#include <string>

#include "daemon/fusefs/node.h"

namespace skerry::fusefs {

// Its content is made anew at each read; the kernel caches nothing of it.
class VirtualFile final : public Node {
 public:
  struct Content {
    std::string text;
    int64_t modified_ns = 0;
  };
  using Make = std::function<Content()>;

  VirtualFile(uint64_t id, uint32_t generation, Make make)
      : Node(id, generation), make_(std::move(make)) {}

  bool cached() const override { return false; }
  Result<Attributes> attributes() override;
  Result<size_t> read(uint64_t offset, ByteSpan into) override;

 private:
  const Make make_;
};

// "<txid>/<checksum>\n" of a database, and when it got there.
[[nodiscard]] VirtualFile::Content position_content(const db::Database& database);

}  // namespace skerry::fusefs
