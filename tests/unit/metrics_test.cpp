// SPDX-License-Identifier: MIT
// The text for Prometheus: what is in the table is in it and the reverse, and nobody outside
// chooses how many series there are.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "base/file.hpp"
#include "engine/report/metrics_table.hpp"
#include "engine/report/report.hpp"
#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;
using Samples = std::map<std::string, std::string>;  // `name{labels}`, value

std::string text_of(EngineLab& lab) {
  const auto reply = lab.run("metrics");
  return reply ? (*reply)["text"].get<std::string>() : reply.error().message;
}

Samples samples_of(const std::string& text) {
  Samples out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t space = line.rfind(' ');
    EXPECT_TRUE(out.emplace(line.substr(0, space), line.substr(space + 1)).second)
        << "twice: " << line;
  }
  return out;
}

TEST(metrics, have_every_family_of_the_table_once_and_no_other) {
  EngineLab lab;
  lab.pass(100ms);
  std::istringstream lines(text_of(lab));
  std::multiset<std::string> seen, wanted;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# TYPE ")) seen.insert(line.substr(7));
  for (const engine::MetricFamily& family : engine::kMetricFamilies)
    wanted.insert(std::string(family.name) + " " + std::string(engine::word(family.type)));
  EXPECT_EQ(seen, wanted);
}

TEST(metrics, labels_are_those_of_the_table) {
  EngineLab lab;
  lab.pass(100ms);
  for (const auto& [series, value] : samples_of(text_of(lab))) {
    const std::string name = series.substr(0, series.find('{'));
    std::string labels;
    for (std::size_t at = series.find('{'); at != std::string::npos && at + 1 < series.size();) {
      const std::size_t equals = series.find("=\"", at);
      if (equals == std::string::npos) break;
      const std::string label = series.substr(at + 1, equals - at - 1);
      if (label != "le") labels += (labels.empty() ? "" : " ") + label;
      at = series.find('"', equals + 2) + 1;
      if (series[at] != ',') break;
    }
    const auto* family = std::ranges::find_if(engine::kMetricFamilies, [&](const auto& each) {
      return name == each.name ||
             (each.type == engine::MetricType::histogram && name.starts_with(each.name));
    });
    ASSERT_NE(family, engine::kMetricFamilies.end()) << series;
    EXPECT_EQ(labels, family->labels) << series;
  }
}

TEST(metrics, say_what_the_datapath_counted) {
  EngineLab lab;
  lab.datapath.counts.packets[FW_REASON_BAN] = 10;
  lab.datapath.counts.bytes[FW_REASON_BAN] = 640;
  lab.datapath.counts.class_packets[FW_CLASS_TCP_SYN] = 100;
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}, {}));
  lab.pass(100ms);
  Samples samples = samples_of(text_of(lab));
  EXPECT_EQ(samples[R"(floodwall_packets_total{reason="ban",verdict="drop"})"], "10");
  EXPECT_EQ(samples[R"(floodwall_bytes_total{reason="ban",verdict="drop"})"], "640");
  EXPECT_EQ(samples[R"(floodwall_class_packets_total{class="tcp_syn"})"], "100");
  EXPECT_EQ(samples[R"(floodwall_bans{kind="ban",by="operator"})"], "1");
  EXPECT_EQ(samples[R"(floodwall_bans{kind="ban",by="limit"})"], "0");
  EXPECT_EQ(samples[R"(floodwall_mode{mode="enforce"})"], "1");
  EXPECT_EQ(samples["floodwall_attack_open"], "0");
  EXPECT_EQ(samples[R"(floodwall_interface_attached{interface="up0",attachment="native"})"], "1");
}

TEST(metrics, do_not_grow_with_the_sources) {
  EngineLab lab;
  lab.pass(100ms);
  const std::size_t before = samples_of(text_of(lab)).size();
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i)
    many.push_back("198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  ASSERT_TRUE(lab.run("ban", many, {}));
  lab.pass(100ms);
  const std::string text = text_of(lab);
  EXPECT_EQ(samples_of(text).size(), before);
  EXPECT_EQ(text.find("198.18."), std::string::npos);
}

TEST(metrics, a_quote_in_a_name_ends_no_label) {
  EngineLab lab;
  lab.engine.set_figures({.loop = {}, .alerts = {{.name = "a\"}\\\n1"}}});
  const std::string text = text_of(lab);
  EXPECT_NE(text.find("floodwall_alerts_waiting{alert=\"a\\\"}\\\\\\\\n1\"} 0\n"),
            std::string::npos)
      << text.substr(text.find("floodwall_alerts_waiting"));
}

TEST(metrics, lateness_is_a_histogram_whose_buckets_add_up) {
  EngineLab lab;
  engine::HostFigures figures;
  for (const std::uint64_t ms : {0, 3, 3, 50, 9000}) figures.loop.add(ms * 1'000'000);
  lab.engine.set_figures(figures);
  Samples samples = samples_of(text_of(lab));
  EXPECT_EQ(samples[R"(floodwall_loop_lateness_seconds_bucket{le="0.001"})"], "1");
  EXPECT_EQ(samples[R"(floodwall_loop_lateness_seconds_bucket{le="0.005"})"], "3");
  EXPECT_EQ(samples[R"(floodwall_loop_lateness_seconds_bucket{le="2"})"], "4");
  EXPECT_EQ(samples[R"(floodwall_loop_lateness_seconds_bucket{le="+Inf"})"], "5");
  EXPECT_EQ(samples["floodwall_loop_lateness_seconds_count"], "5");
}

TEST(metrics, docs_have_every_row) {
  const auto page = read_file(FLOODWALL_SOURCE "/docs/metrics.md");
  ASSERT_TRUE(page) << page.error().message;
  std::string table = "| series | type | labels | says |\n|---|---|---|---|\n";
  for (const engine::MetricFamily& family : engine::kMetricFamilies) {
    std::string labels;
    std::istringstream words{std::string(family.labels)};
    for (std::string each; words >> each;) labels += (labels.empty() ? "`" : " `") + each + "`";
    table += "| `" + std::string(family.name) + "` | " + std::string(engine::word(family.type)) +
             " | " + labels + " | " + std::string(family.help) + " |\n";
  }
  EXPECT_NE(page->find(table), std::string::npos) << "the table of docs/metrics.md must be:\n"
                                                  << table;
}

}  // namespace
}  // namespace fw::test
