// A node as the node API sees it, made of a capture fixture: real databases, no mount.
#pragma once

#include "daemon/admin/node_view.h"
#include "ltx/checksum.h"
#include "tests/support/capture_fixture.h"

namespace skerry::test {

// Keeps what was imported last.
class FakeApplier final : public apply::Applier {
 public:
  struct Import {
    std::string database;
    PageSize page_size = *PageSize::of(4096);
    uint32_t pages = 0;
    Bytes content;
    bool committed = false;
  };

  Result<std::unique_ptr<apply::Incoming>> begin(const std::string&, const ltx::Header&) override {
    return fail(Errc::kUnsupported, "not here");
  }
  Result<std::unique_ptr<apply::Image>> begin_image(const std::string&,
                                                    const ltx::Header&) override {
    return fail(Errc::kUnsupported, "not here");
  }
  Result<std::unique_ptr<apply::Incoming>> begin_import(const std::string& database,
                                                        PageSize page_size,
                                                        uint32_t pages) override {
    if (refuse) return fail(Errc::kReadOnly, "the lease ran out", EROFS);
    last = {database, page_size, pages, Bytes(size_t{pages} * page_size.bytes()), false};
    return std::make_unique<Pages>(*this);
  }
  Status checkpoint(const std::string&) override { return {}; }
  std::vector<apply::Obstacle> obstacles() const override {
    return {{"app.db", apply::Obstacle::Kind::kReader, 77, "python3", std::chrono::seconds(2), 5}};
  }

  Import last;
  bool refuse = false;

 private:
  class Pages final : public apply::Incoming {
   public:
    explicit Pages(FakeApplier& applier) : applier_(applier) {}
    Result<ByteView> current(PageNo) override { return fail(Errc::kNotFound, "not here"); }
    Status add(PageNo pgno, ByteView page) override {
      Import& import = applier_.last;
      if (pgno.value() > import.pages || page.size() != import.page_size.bytes()) {
        return fail(Errc::kInvalid, "not a page of this import");
      }
      std::ranges::copy(page, import.content.begin() +
                                  static_cast<ptrdiff_t>(page_offset(pgno, import.page_size)));
      sum_ = sum_ ^ ltx::page_checksum(pgno, page);
      return {};
    }
    Status commit(Checksum post_apply) override {
      if (post_apply != sum_) return fail(Errc::kCorrupt, "the checksum differs");
      applier_.last.committed = true;
      return {};
    }

   private:
    FakeApplier& applier_;
    Checksum sum_ = kEmptyChecksum;
  };
};

class FakeNode final : public admin::NodeView {
 public:
  FakeNode() {
    own.id = NodeId(0xAB);
    own.hostname = "a";
    own.advertise_url = "http://a:20202";
    own.data_dir = capture.dir.path();
    own.mount_dir = "/litefs";
    own.version = "1.2.3";
    own.candidate = true;
    now.is_primary = true;
    now.primary_known = true;
    now.epoch = Epoch(7);
    now.primary_hostname = "a";
    now.primary_url = "http://a:20202";
  }

  admin::Identity identity() const override { return own; }
  admin::Role role() const override { return now; }
  std::optional<int64_t> lag_ms() const override { return lag; }
  Status ready() const override {
    return is_ready ? Status() : fail(Errc::kUnavailable, "not in sync yet");
  }
  std::vector<std::shared_ptr<db::Database>> databases() const override { return open; }
  std::vector<admin::BrokenDatabase> broken_databases() const override {
    return {{"bad.db", "it is damaged"}};
  }
  std::shared_ptr<db::Database> find(const std::string& name) const override {
    for (const auto& database : open) {
      if (database->name() == name) return database;
    }
    return nullptr;
  }
  std::vector<admin::Stream> streams() const override { return feeds; }
  apply::Applier& applier() override { return fake_applier; }
  os::FileSystem& file_system() override { return capture.fs; }
  Status promote() override { return change; }
  Status hand_off_to(NodeId node) override {
    handed_to = node;
    return change;
  }

  // Makes the database known to the API.
  void add(const std::string& name) { open.push_back(capture.vfs.database(name)); }

  CaptureFixture capture;
  FakeApplier fake_applier;
  admin::Identity own;
  admin::Role now;
  std::optional<int64_t> lag = 0;
  bool is_ready = true;
  std::vector<std::shared_ptr<db::Database>> open;
  std::vector<admin::Stream> feeds;
  Status change;
  NodeId handed_to;
};

}  // namespace skerry::test
