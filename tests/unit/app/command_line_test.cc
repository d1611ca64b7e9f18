#include "daemon/app/cli/command_line.h"

#include <doctest/doctest.h>

#include "daemon/app/cli/command_list.h"

namespace skerry::app {
namespace {

using Words = std::vector<std::string>;

// The command that the words make, which must be a C.
template <typename C>
C parsed(Words words) {
  words.insert(words.begin(), "/usr/local/bin/litefs");
  auto command = parse_command_line(words);
  if (!command) FAIL(command.error().err);
  REQUIRE(std::holds_alternative<C>(*command));
  return std::get<C>(*std::move(command));
}

Output refused(Words words, const char* program = "skerry") {
  words.insert(words.begin(), program);
  auto command = parse_command_line(words);
  REQUIRE_FALSE(command);
  return command.error();
}

TEST_CASE("mount takes LiteFS's flags in all of Go's spellings") {
  const auto plain = parsed<MountCommand>({"mount"});
  CHECK(plain.config_path.empty());
  CHECK_FALSE(plain.no_expand_env);
  CHECK_FALSE(plain.exec);
  for (const Words& words : {Words{"mount", "-config", "/x.yml", "-fuse.debug"},
                             Words{"mount", "--config", "/x.yml", "--fuse.debug"},
                             Words{"mount", "-config=/x.yml", "-fuse.debug=true"},
                             Words{"mount", "--fuse.debug=1", "--config=/x.yml"},
                             Words{"mount", "-config", "/y", "-config=/x.yml", "-fuse.debug=T"}}) {
    const auto command = parsed<MountCommand>(words);
    CHECK(command.config_path == "/x.yml");
    CHECK(command.fuse_debug);
    CHECK_FALSE(command.debug);
  }
  const auto all = parsed<MountCommand>(
      {"mount", "-no-expand-env", "-tracing", "-debug", "-skip-unmount", "-fuse.debug=false"});
  CHECK(all.no_expand_env);
  CHECK(all.tracing);
  CHECK(all.debug);
  CHECK(all.skip_unmount);
  CHECK_FALSE(all.fuse_debug);
}

TEST_CASE("what follows -- is a command of its own, word by word") {
  const auto command =
      parsed<MountCommand>({"mount", "-debug", "--", "sh", "-c", "a b", "--", "-x"});
  CHECK(command.debug);
  CHECK(command.exec == Words{"sh", "-c", "a b", "--", "-x"});
  CHECK(parsed<MountCommand>({"mount", "--"}).exec == Words{});

  config::Config config;
  config.exec.push_back(config::ExecCommand{.cmd = "old", .argv = {"old"}});
  apply(parsed<MountCommand>({"mount", "-fuse.debug"}), config);
  CHECK(config.fuse.debug);
  CHECK(config.exec.size() == 1);
  apply(command, config);
  REQUIRE(config.exec.size() == 1);
  CHECK(config.exec[0].argv == Words{"sh", "-c", "a b", "--", "-x"});
  CHECK(config.log.debug);
  apply(parsed<MountCommand>({"mount", "--"}), config);
  CHECK(config.exec.empty());
}

TEST_CASE("run, import, export, status, upgrade and config check take theirs") {
  const auto run = parsed<RunCommand>({"run", "-promote", "-if-candidate", "-v", "-url",
                                       "http://h:1", "--", "rails", "db:migrate"});
  CHECK(run.promote);
  CHECK(run.if_candidate);
  CHECK(run.verbose);
  CHECK(run.url == "http://h:1");
  CHECK(run.argv == Words{"rails", "db:migrate"});
  CHECK(parsed<RunCommand>({"run", "-with-halt-lock-on", "/litefs/db", "--", "x"})
            .with_halt_lock_on == "/litefs/db");

  const auto import = parsed<ImportCommand>({"import", "-name", "app.db", "/tmp/app.db"});
  CHECK(import.url == "http://localhost:20202");
  CHECK(import.name == "app.db");
  CHECK(import.path == "/tmp/app.db");
  const auto exported = parsed<ExportCommand>({"export", "/tmp/x", "-name=app.db"});
  CHECK(exported.name == "app.db");
  CHECK(exported.path == "/tmp/x");
  CHECK(parsed<ExportCommand>({"export", "-name", "-odd", "--", "-file"}).path == "-file");
  CHECK(parsed<ExportCommand>({"export", "-name", "a=b", "-"}).name == "a=b");

  CHECK(parsed<StatusCommand>({"status", "--json"}).json);
  CHECK_FALSE(parsed<StatusCommand>({"status"}).json);
  CHECK(parsed<UpgradeCommand>({"upgrade", "-config", "/x"}).config_path == "/x");
  CHECK(parsed<ConfigCheckCommand>({"config", "check", "-config", "/x"}).config_path == "/x");
  CHECK(parsed<ConfigCheckCommand>({"config", "check", "-no-expand-env"}).no_expand_env);
  (void)parsed<VersionCommand>({"version"});
}

TEST_CASE("a failover's flags") {
  const auto plain = parsed<FailoverCommand>({"failover", "--to", "fra"});
  CHECK(plain.to == "fra");
  CHECK(plain.parsed_timeout == std::chrono::seconds(10));
  CHECK_FALSE(plain.dry_run);
  const auto all = parsed<FailoverCommand>(
      {"failover", "-to", "b", "--dry-run", "-timeout=1m", "-json", "-url", "http://x:1"});
  CHECK((all.dry_run && all.json));
  CHECK(all.parsed_timeout == std::chrono::minutes(1));
  CHECK(all.url == "http://x:1");
}

TEST_CASE("no command, help and a leading flag ask for the usage") {
  for (const Words& words : {Words{}, Words{"help"}, Words{"-h"}, Words{"--version"}, Words{""}}) {
    const auto help = parsed<HelpCommand>(words);
    CHECK(help.program == "litefs");
    CHECK(help.topic.empty());
  }
  CHECK(parsed<HelpCommand>({"help", "mount"}).topic == "mount");
  CHECK(parsed<HelpCommand>({"mount", "-h"}).topic == "mount");
  CHECK(parsed<HelpCommand>({"export", "-name", "x", "--help"}).topic == "export");
  CHECK(parsed<HelpCommand>({"config"}).topic == "config");
  CHECK(parsed<HelpCommand>({"orphans"}).topic == "orphans");
  CHECK(parsed<HelpCommand>({"config", "check", "-help"}).topic == "config check");
  CHECK(std::get<HelpCommand>(*parse_command_line({})).program == "skerry");
}

TEST_CASE("an unknown command is a run error, in the name that was called") {
  const Output output = refused({"x"}, "/opt/litefs");
  CHECK(output.exit_code == 1);
  CHECK(output.err == "ERROR: litefs x: unknown command\n\"litefs help\" lists the commands.\n");
  CHECK(refused({"config", "chek"}).err.starts_with("ERROR: skerry config chek: unknown command"));
}

TEST_CASE("a wrong use is a usage error that says what to do") {
  struct {
    Words words;
    const char* error;
  } const rows[] = {
      {{"mount", "-confg", "x"}, "mount: -confg is not a flag; did you mean -config?"},
      {{"mount", "-zzzzzz"}, "mount: -zzzzzz is not a flag; leave it out"},
      {{"mount", "-config"}, "mount: -config has no value; write -config=VALUE"},
      {{"mount", "-config", "--", "x"}, "mount: -config has no value; write -config=VALUE"},
      {{"mount", "-config="}, "mount: -config has no value; write -config=VALUE"},
      {{"mount", "-debug="}, "mount: -debug has no value; write -debug=true"},
      {{"mount", "-debug=maybe"}, "write true or false"},
      {{"mount", "npm", "start"},
       "mount: \"npm\" is one argument too many; write \"--\" before the command to run"},
      {{"mount", "-debug", "true"}, "mount: \"true\" is one argument too many; write"},
      {{"run", "-promote"}, "run: no command to run; write it after \"--\""},
      {{"run", "--"}, "run: no command to run; write it after \"--\""},
      {{"run", "--", ""}, "run: no command to run; write it after \"--\""},
      {{"run", "-promote", "-with-halt-lock-on", "/x", "--", "y"},
       "run: -promote and -with-halt-lock-on exclude each other"},
      {{"run", "-url", "localhost:20202", "--", "y"},
       "run: -url is \"localhost:20202\"; write it as http://HOST:PORT"},
      {{"import", "-name", "x"}, "import: PATH is missing; write it after the flags"},
      {{"import", "/x"}, "import: the database is not named; write -name DB"},
      {{"export", "-name", "x", "a", "b"}, "export: \"b\" is one argument too many; leave it out"},
      {{"export", "-name", "x", "-url", "x", "a"}, "export: -url is \"x\"; write it as"},
      {{"status", "-url", "ftp://x"}, "status: -url is \"ftp://x\"; write it as"},
      {{"failover"}, "failover: -to is missing; write the hostname of a node, or a region"},
      {{"failover", "-to", "fra", "-timeout", "5"}, "failover: -timeout is \"5\"; write it as 10s"},
      {{"failover", "-to", "fra", "-timeout", "0s"}, "failover: -timeout is \"0s\"; write it as"},
      {{"failover", "-to", "fra", "-timeout=2m"}, "failover: -timeout is \"2m\"; write it as"},
      {{"failover", "fra"}, "failover: \"fra\" is one argument too many"},
      {{"version", "-x"}, "version: -x is not a flag; leave it out"},
      {{"config", "check", "x"}, "config check: \"x\" is one argument too many; leave it out"},
      {{"upgrade", "--", "x"}, "upgrade: \"x\" is one argument too many; leave it out"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.error);
    const Output output = refused(row.words);
    CAPTURE(output.err);
    CHECK(output.exit_code == 2);
    CHECK(output.err.starts_with("ERROR: skerry "));
    CHECK(output.err.contains(row.error));
    CHECK(output.err.contains("\"skerry help "));
  }
}

TEST_CASE("the usage lists every command and every flag") {
  const std::string overview = help_text({"litefs", ""});
  CHECK(overview.contains("Usage: litefs COMMAND [flags]\n"));
  size_t commands = 0;
  for_each_command([&]<typename C>() {
    ++commands;
    const std::string name(C::kUsage.command);
    CAPTURE(name);
    CHECK(overview.contains("\n  " + name + " "));
    const std::string text = help_text({"litefs", name});
    CHECK(text.starts_with("Usage: litefs " + name));
    CHECK(text.contains(C::kUsage.about));
    CHECK(text.ends_with("\n"));
    CHECK_FALSE(text.contains(" \n\n"));
  });
  CHECK(commands == 20);
  const std::string mount = help_text({"skerry", "mount"});
  CHECK(mount.starts_with("Usage: skerry mount [flags] [-- COMMAND [ARG...]]\n"));
  for (const char* flag : {"-config PATH ", "-no-expand-env ", "-debug ", "-fuse.debug ",
                           "-tracing ", "-skip-unmount "}) {
    CHECK(mount.contains(std::string("\n  ") + flag));
  }
  CHECK(help_text({"skerry", "config"}) == help_text({"skerry", "config check"}));
  CHECK(help_text({"skerry", "nonsense"}) == help_text({"skerry", ""}));
  CHECK(version_text().starts_with("Skerry v0."));
}

}  // namespace
}  // namespace skerry::app
