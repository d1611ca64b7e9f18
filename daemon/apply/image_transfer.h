// Image over a side file: pages are written where they belong in a second database file, and their
// checksums into a second table, both in the database's folder, so that an interrupted image goes
// on where it was. A database that had no content gets both by renaming them; one that had some
// gets what differs as one transaction.
#pragma once

#include "daemon/apply/transfer.h"

namespace skerry::apply {

class ImageTransfer final : public Image {
 public:
  ImageTransfer(std::unique_ptr<Turn> turn, os::FileSystem& fs);
  [[nodiscard]] Status begin(const ltx::Header& header);

  Result<ByteView> current(PageNo pgno) override;
  Status add(PageNo pgno, ByteView page) override;
  Status commit(Checksum post_apply) override;
  Status set_header(const ltx::Header& header) override;
  std::vector<Checksum> checksums(PageNo first, uint32_t count) override;

 private:
  [[nodiscard]] std::string pages_path() const;
  [[nodiscard]] std::string sums_path() const;
  [[nodiscard]] Status open_sums();
  [[nodiscard]] Status start_over();
  void note_commit();
  [[nodiscard]] Checksum committed_sum(PageNo pgno, const db::Replica::View& view);
  [[nodiscard]] Status commit_new(Checksum post_apply);
  [[nodiscard]] Status commit_over(const db::Replica::View& view, Checksum post_apply);
  [[nodiscard]] Status stage(StagedPages& staged, const db::Replica::View& view, bool every_page);
  [[nodiscard]] Result<ByteView> received_page(PageNo pgno);
  [[nodiscard]] Status clean_up();

  const std::unique_ptr<Turn> turn_;
  os::FileSystem& fs_;
  ltx::Header header_;
  std::unique_ptr<db::PageChecksums> sums_;  // 0: the page did not come
  std::unique_ptr<os::File> pages_;
  Bytes scratch_;
};

}  // namespace skerry::apply
