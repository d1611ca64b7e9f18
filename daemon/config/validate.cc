#include "daemon/config/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "daemon/config/address.h"
#include "daemon/log/redact.h"

namespace skerry::config {
namespace {

std::filesystem::path normal(const std::string& dir) {
  std::error_code ignored;  // without a current folder a relative path stays relative
  std::filesystem::path path = std::filesystem::absolute(dir, ignored);
  if (ignored) path = dir;
  path = path.lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // no slash at the end
}

bool contains(const std::filesystem::path& outer, const std::filesystem::path& inner) {
  return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

bool is_http_url(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

class Validator {
 public:
  Validator(const Document& document, Problems& problems)
      : document_(document), config_(document.config), problems_(problems) {}

  void run() {
    folders();
    address("http.addr", config_.http.addr);
    if (!config_.proxy.target.empty()) proxy();
    lease();
    backup();
    without_effect();
  }

 private:
  void folders() {
    needs("fuse.dir", config_.fuse.dir, "write the folder to mount on");
    needs("data.dir", config_.data.dir, "write the folder to keep data in");
    if (config_.fuse.dir.empty() || config_.data.dir.empty()) return;
    const auto fuse = normal(config_.fuse.dir);
    const auto data = normal(config_.data.dir);
    if (fuse == data) {
      error("data.dir", fmt::format("fuse.dir and data.dir are both {}; give them two folders",
                                    config_.data.dir));
    } else if (contains(fuse, data) || contains(data, fuse)) {
      error("data.dir", fmt::format("fuse.dir {} and data.dir {} lie one within the other; give "
                                    "them two separate folders",
                                    config_.fuse.dir, config_.data.dir));
    }
  }

  void proxy() {
    needs("proxy.addr", config_.proxy.addr, "proxy.target asks for it; write where to listen");
    needs("proxy.db", config_.proxy.db, "proxy.target asks for it; write the database's file name");
    if (!config_.proxy.addr.empty()) address("proxy.addr", config_.proxy.addr);
    address("proxy.target", config_.proxy.target);
  }

  void lease() {
    const LeaseConfig& lease = config_.lease;
    url("lease.advertise-url", lease.advertise_url);
    if (lease.candidate && !lease.databases.empty()) {
      error("lease.databases",
            "lease.databases leaves databases out, which only a replica may do; "
            "set lease.candidate to false, or remove it");
    }
    if (document_.line_of("lease.type") == 0) return;
    if (lease.type == LeaseType::kConsul) consul();
    if (lease.type == LeaseType::kStatic && !lease.candidate) {
      needs("lease.advertise-url", lease.advertise_url,
            "a replica with a static lease asks for it; write the primary's URL");
    }
  }

  void consul() {
    needs("lease.consul.url", config_.lease.consul.url,
          "write Consul's URL; on Fly, \"fly consul attach\" sets FLY_CONSUL_URL");
    needs("lease.consul.key", config_.lease.consul.key,
          "write a key that all nodes of this cluster share, and no other cluster");
    url("lease.consul.url", config_.lease.consul.url);
  }

  void backup() {
    const BackupConfig& backup = config_.backup;
    if (backup.type == BackupType::kFile) {
      needs("backup.path", backup.path, "backup.type file asks for it; write a folder");
    }
    url("backup.url", backup.url);
  }

  void without_effect() {
    for (const Key& key : keys()) {
      const uint32_t line = document_.line_of(key.path);
      if (line == 0 || key.support == Support::kYes) continue;
      problems_.warning(line, fmt::format("{} is not yet supported and has no effect; remove it, "
                                          "or do without it until then",
                                          key.path));
    }
  }

  void needs(std::string_view path, const std::string& value, std::string_view next_step) {
    if (value.empty()) error(path, fmt::format("{} is empty; {}", path, next_step));
  }

  void address(std::string_view path, const std::string& value) {
    if (parse_address(value)) return;
    error(path, fmt::format("{} is \"{}\"; write host:port, or :port for all of this machine's "
                            "addresses",
                            path, value));
  }

  void url(std::string_view path, const std::string& value) {
    if (value.empty() || is_http_url(value)) return;
    error(path, fmt::format("{} is \"{}\"; write a URL that begins with http:// or https://", path,
                            log::redact_url(value)));
  }

  void error(std::string_view path, std::string_view text) {
    problems_.error(document_.line_of(path), text);
  }

  const Document& document_;
  const Config& config_;
  Problems& problems_;
};

}  // namespace

void validate(const Document& document, Problems& problems) {
  Validator(document, problems).run();
}

}  // namespace skerry::config
