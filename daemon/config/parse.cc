#include "daemon/config/parse.h"

#include <fmt/format.h>

#include "daemon/config/expand.h"
#include "daemon/config/read.h"
#include "daemon/config/resolve.h"
#include "daemon/config/validate.h"
#include "daemon/config/yaml.h"

namespace skerry::config {

Result<Parsed> parse(std::string_view text, const Source& source) {
  Problems problems(source.name);
  const std::string expanded =
      source.expand ? expand(text, source.environment, problems) : std::string(text);
  TRY(problems.status());  // what YAML makes of a half expanded text would only mislead

  const auto root = yaml::parse(expanded);
  if (!root) {
    problems.error(root.error().line,
                   fmt::format("not valid YAML: {}; check the indentation, and put quotation marks "
                               "around values that begin with * & [ {{ or hold \": \" or \" #\"",
                               root.error().message));
    return std::unexpected(problems.status().error());
  }
  Document document = read_document(*root, problems);
  validate(document, problems);
  TRY(problems.status());
  resolve(document.config, source.hostname);
  return Parsed{std::move(document.config), problems.take_warnings()};
}

}  // namespace skerry::config
