// SPDX-License-Identifier: MIT
#include "setup/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/file.hpp"
#include "base/terminal_text.hpp"
#include "config/config.hpp"
#include "setup/difference.hpp"
#include "setup/explain.hpp"
#include "setup/kinds.hpp"

namespace fw::setup {

namespace {

using nlohmann::json;
using std::filesystem::path;

constexpr std::string_view kDenyHead =
    "# Never let in: an address, prefix (198.51.100.0/24) or range (a-b) a line; # is a comment.\n"
    "# A change is in force at once. For a while only: floodwall ban ADDRESS --for 1h\n";
constexpr std::string_view kAllowHead =
    "# Never dropped, whatever they do: an address, prefix or range a line; # is a comment.\n"
    "# A change is in force at once. The command floodwall allow ADDRESS writes here.\n";

Result<void> write_unless_there(const path& file, std::string_view text, Written& written) {
  std::error_code error;
  // symlink_status: a dangling link is kept, too.
  if (std::filesystem::exists(std::filesystem::symlink_status(file, error))) {
    written.kept.push_back(file);
    return {};
  }
  if (auto done = write_file(file, text); !done) return done;
  written.made.push_back(file);
  return {};
}

constexpr int kMostQuestions = 3;  // judgement: who errs so often is no person

// One line; nothing at the end of input.
std::optional<std::string> answer_to(const std::string& question, std::istream& in,
                                     std::ostream& out) {
  out << question << " " << std::flush;
  std::string line;
  if (!std::getline(in, line)) {
    out << "\n";
    return std::nullopt;
  }
  return line;
}

// "" is yes; anything that is no clear yes is no.
bool agrees(std::istream& in, std::ostream& out) {
  const auto answer = answer_to("Write this? [Y/n]", in, out);
  return answer && (answer->empty() || *answer == "y" || *answer == "Y" || *answer == "yes");
}

std::unexpected<Error> nothing_written(std::string_view why) {
  return fail(fmt::format("{}: nothing was written", why));
}

Result<std::vector<Offer>> ask_kinds(std::istream& in, std::ostream& out) {
  const Evidence evidence = read_evidence();
  const std::vector<Offer> all = offers(evidence);
  out << in_front(evidence) << "What is this machine?\n";
  for (std::size_t i = 0; i < all.size(); ++i)
    out << fmt::format(" {} {}  {:<33} {}\n", all[i].why.empty() ? ' ' : '*', i + 1, all[i].name,
                       all[i].why);
  for (int asked = 0; asked < kMostQuestions; ++asked) {
    const auto answer =
        answer_to("Numbers with blanks between, Enter for those with a *, 0 for none:", in, out);
    if (!answer) return nothing_written("no answer");
    const auto numbers = chosen(*answer, all);
    if (!numbers) {
      out << numbers.error().message << "\n";
      continue;
    }
    std::vector<Offer> picked;
    for (const std::size_t number : *numbers) picked.push_back(all[number]);
    return picked;
  }
  return nothing_written(fmt::format("{} answers that are none of the choice", kMostQuestions));
}

// The files as they would be together: those on disk, with what would be written.
Result<void> check_together(const path& file, std::string_view text, const std::string& kinds) {
  config::Source source;
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    auto read = config::read_source(file);
    if (!read) return std::unexpected(read.error());
    source = std::move(*read);
  } else {
    source.files.push_back({.name = file.filename(), .text = std::string(text)});
  }
  constexpr const char* kName = "conf.d/setup.toml";
  std::erase_if(source.files, [&](const auto& one) { return one.name == kName; });
  const auto place = std::ranges::find_if(source.files.begin() + 1, source.files.end(),
                                          [&](const auto& one) { return one.name > kName; });
  source.files.insert(place, {.name = kName, .text = kinds});
  if (auto parsed = config::parse(source); !parsed)
    return fail(ErrorKind::invalid_config,
                fmt::format("nothing was written, for it does not go with what is there:\n{}",
                            parsed.error().message));
  return {};
}

// The text of conf.d/setup.toml that somebody agreed to; empty: none is to be written.
Result<std::string> agreed_kinds(const path& file, std::string_view text, bool there,
                                 std::optional<std::string>& former, std::istream& in,
                                 std::ostream& out) {
  const auto picked = ask_kinds(in, out);
  if (!picked) return std::unexpected(picked.error());
  std::string kinds = kinds_text(*picked);
  for (const Offer& one : *picked) out << fmt::format("{}: {}\n", one.name, one.guide);
  const path kinds_file = file.parent_path() / "conf.d" / "setup.toml";
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(kinds_file, error))) {
    auto read = read_file(kinds_file);
    if (!read) return std::unexpected(read.error());
    former = std::move(*read);
  }
  if (former == kinds) kinds.clear();
  if (!kinds.empty()) {
    if (auto good = check_together(file, text, kinds); !good) return std::unexpected(good.error());
    out << fmt::format("\n{}{}:\n", printable(kinds_file.native()), former ? " would change" : "")
        << (former ? difference(*former, kinds) : kinds) << "\n";
  }
  if (!there) out << fmt::format("{}: every default, as a start\n", printable(file.native()));
  if (kinds.empty() && there) {
    out << "There is nothing to write.\n";
    return kinds;
  }
  if (!agrees(in, out)) return fail("nothing was written");
  return kinds;
}

Result<void> write_kinds(const path& file, const std::string& kinds, Outcome& outcome) {
  const path folder = file.parent_path() / "conf.d";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(
        error == std::errc::permission_denied ? ErrorKind::not_permitted : ErrorKind::failed,
        fmt::format("cannot make {}: {}", folder.native(), error.message()));
  if (auto done = write_file(folder / "setup.toml", kinds); !done) return done;
  outcome.wrote_kinds = true;
  outcome.text = kinds;
  outcome.kinds_file = folder / "setup.toml";
  return {};
}

std::string listed(const Written& written) {
  std::string out;
  for (const path& file : written.made) out += fmt::format("wrote {}\n", file.native());
  for (const path& file : written.kept) out += fmt::format("kept  {} as it is\n", file.native());
  return out;
}

json listed_json(const Written& written) {
  json out{{"wrote", json::array()}, {"kept", json::array()}};
  for (const path& file : written.made) out["wrote"].push_back(file.native());
  for (const path& file : written.kept) out["kept"].push_back(file.native());
  return out;
}

}  // namespace

Result<Written> write_configuration(const path& file, std::string_view text) {
  Written written;
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error)
    return fail(
        error == std::errc::permission_denied ? ErrorKind::not_permitted : ErrorKind::failed,
        fmt::format("cannot make {}: {}", file.parent_path().native(), error.message()));
  const path folder = file.parent_path();
  for (const auto& [to, content] : {std::pair{file, text},
                                    {folder / "deny.list", kDenyHead},
                                    {folder / "allow.list", kAllowHead}})
    if (auto done = write_unless_there(to, content, written); !done)
      return std::unexpected(done.error());
  return written;
}

Result<void> take_back(const Outcome& outcome) {
  if (!outcome.wrote_kinds) return {};
  if (outcome.former) return write_file(outcome.kinds_file, *outcome.former);
  std::error_code error;
  std::filesystem::remove(outcome.kinds_file, error);
  if (error)
    return fail(fmt::format("cannot remove {}: {}", outcome.kinds_file.native(), error.message()));
  return {};
}

Result<void> write_again(const Outcome& outcome) {
  return outcome.wrote_kinds ? write_file(outcome.kinds_file, outcome.text) : Result<void>{};
}

Result<Outcome> run(const Options& options, std::istream& in, std::ostream& out) {
  const auto facts = host::read_facts();
  if (!facts) return std::unexpected(facts.error());
  const auto selection = choose(*facts, options.interfaces);
  if (!selection) return std::unexpected(selection.error());
  const auto mode = options.observe ? config::Mode::observe : config::Mode::enforce;
  if (!options.json) out << explain(*facts, *selection, mode) << "\n";
  std::error_code error;
  const bool there = std::filesystem::exists(options.config, error);
  const bool asks = options.interactive && !options.json && !options.yes;
  if (!options.yes && !there && !asks)
    return fail(ErrorKind::usage,
                "cannot ask here, for nobody can answer: give --yes to write the configuration");
  const std::string text = config::starter_text(selection->written, mode);
  Outcome outcome;
  std::string kinds;
  if (asks) {
    auto agreed = agreed_kinds(options.config, text, there, outcome.former, in, out);
    if (!agreed) return std::unexpected(agreed.error());
    kinds = std::move(*agreed);
  }
  auto written = write_configuration(options.config, text);
  if (!written) return std::unexpected(written.error());
  if (!kinds.empty()) {
    if (auto done = write_kinds(options.config, kinds, outcome); !done)
      return std::unexpected(done.error());
    written->made.push_back(outcome.kinds_file);
  }
  if (auto loaded = config::load(options.config); !loaded) return std::unexpected(loaded.error());
  if (options.json)
    out << [&] {
      json reply = explain_json(*facts, *selection, mode);
      reply.update(listed_json(*written));
      return reply.dump(2, ' ', false, json::error_handler_t::replace);
    }() << "\n";
  else
    out << listed(*written);
  return outcome;
}

}  // namespace fw::setup
