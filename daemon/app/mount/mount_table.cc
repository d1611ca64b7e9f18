#include "daemon/app/mount/mount_table.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace skerry::app {

// Blanks, tabs, newlines and backslashes are written as three octal digits.
static std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>(std::strtoul(text.substr(i + 1, 3).c_str(), nullptr, 8)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::optional<MountEntry> find_mount_in(const std::string& mountinfo, const std::string& dir) {
  std::optional<MountEntry> found;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, where, word;
    fields >> id >> parent >> device >> root >> where;
    while (fields >> word && word != "-") {  // options, and fields that may come
    }
    MountEntry entry;
    fields >> entry.type >> entry.source;
    if (!fields || unescaped(where) != dir) continue;
    entry.source = unescaped(entry.source);
    const size_t colon = device.find(':');
    if (colon != std::string::npos) {
      entry.device_minor =
          static_cast<unsigned>(std::strtoul(device.c_str() + colon + 1, nullptr, 10));
    }
    found = std::move(entry);
  }
  return found;
}

std::optional<MountEntry> find_mount(const std::string& dir) {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return find_mount_in(text.str(), std::filesystem::absolute(dir).lexically_normal().string());
}

}  // namespace skerry::app
