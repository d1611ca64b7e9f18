// Incoming for whole transactions: of the primary, or an import.
#pragma once

#include "daemon/apply/desk.h"

namespace skerry::apply {

// The right to bring something into one database, for as long as it lives.
class Turn {
 public:
  // Waits for it. Null: this process ends.
  [[nodiscard]] static std::unique_ptr<Turn> take(std::shared_ptr<Desk> desk);
  ~Turn() { desk_->end_turn(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] Desk& desk() { return *desk_; }

 private:
  explicit Turn(std::shared_ptr<Desk> desk) : desk_(std::move(desk)) {}
  const std::shared_ptr<Desk> desk_;
};

class Transfer final : public Incoming {
 public:
  Transfer(std::unique_ptr<Turn> turn, os::FileSystem& fs, bool own);
  [[nodiscard]] Status begin(const ltx::Header& header);

  Result<ByteView> current(PageNo pgno) override;
  Status add(PageNo pgno, ByteView page) override;
  Status commit(Checksum post_apply) override;

 private:
  const std::unique_ptr<Turn> turn_;
  StagedPages staged_;
  const bool own_;
  bool finished_ = false;
  Bytes scratch_;
};

}  // namespace skerry::apply
