// The obvious way to do what ltx/ does well: a database as a list of pages, files made from sets of
// pages, and random ones of both.
#pragma once

#include <map>
#include <random>

#include "ltx/ltx_reader.h"

namespace skerry::test {

using Random = std::mt19937_64;
[[nodiscard]] uint64_t below(Random& random, uint64_t bound);  // 0 … bound − 1

using PageSet = std::map<uint32_t, Bytes>;

// Compresses well, badly or not at all.
[[nodiscard]] Bytes random_page(Random& random, size_t bytes);

class ModelDatabase {
 public:
  explicit ModelDatabase(size_t page_bytes) : page_bytes_(page_bytes) {}
  explicit ModelDatabase(size_t page_bytes, ByteView content);

  void apply(const PageSet& pages, uint32_t commit);
  // Applies a file and checks it; its error if it has one.
  [[nodiscard]] Result<ltx::Verified> apply(ltx::LtxReader& reader);

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(pages_.size()); }
  [[nodiscard]] Checksum checksum() const;
  [[nodiscard]] Bytes content() const;
  [[nodiscard]] PageSet all_pages() const;

  friend bool operator==(const ModelDatabase&, const ModelDatabase&) = default;

 private:
  size_t page_bytes_;
  std::vector<Bytes> pages_;
};

// The file with these pages; the encoder must accept it.
[[nodiscard]] Bytes encode_file(const ltx::Header& header, const PageSet& pages,
                                Checksum post_apply);

// A chain of files, from a database and back to it: file i takes states[i] to states[i + 1].
struct RandomChain {
  std::vector<ModelDatabase> states;
  std::vector<Bytes> files;
};
struct ChainOptions {
  size_t files = 5;
  size_t page_bytes = 512;
  uint32_t commit_min = 0;
  uint32_t commit_max = 40;
  bool snapshot = true;  // begins with transaction 1
  bool checksums = true;
  bool holes = false;  // growing without writing every new page
};
[[nodiscard]] RandomChain random_chain(Random& random, const ChainOptions& options);

}  // namespace skerry::test
