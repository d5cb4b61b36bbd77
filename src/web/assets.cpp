// SPDX-License-Identifier: MIT
#include "web/assets.hpp"

#include <algorithm>
#include <array>

extern "C" {
extern const char fw_web_index_html[], fw_web_index_html_end[];
extern const char fw_web_app_js[], fw_web_app_js_end[];
extern const char fw_web_charts_js[], fw_web_charts_js_end[];
extern const char fw_web_tables_js[], fw_web_tables_js_end[];
extern const char fw_web_style_css[], fw_web_style_css_end[];
extern const char fw_web_uplot_js[], fw_web_uplot_js_end[];
extern const char fw_web_uplot_css[], fw_web_uplot_css_end[];
extern const char fw_web_favicon_svg[], fw_web_favicon_svg_end[];
}

namespace fw::web {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

const Asset* find_asset(std::string_view path) {
  static const std::array<Asset, 8> assets{{
      {"/", "text/html; charset=utf-8", between(fw_web_index_html, fw_web_index_html_end)},
      {"/app.js", "text/javascript; charset=utf-8", between(fw_web_app_js, fw_web_app_js_end)},
      {"/charts.js", "text/javascript; charset=utf-8",
       between(fw_web_charts_js, fw_web_charts_js_end)},
      {"/tables.js", "text/javascript; charset=utf-8",
       between(fw_web_tables_js, fw_web_tables_js_end)},
      {"/style.css", "text/css; charset=utf-8", between(fw_web_style_css, fw_web_style_css_end)},
      {"/uplot.js", "text/javascript; charset=utf-8",
       between(fw_web_uplot_js, fw_web_uplot_js_end)},
      {"/uplot.css", "text/css; charset=utf-8", between(fw_web_uplot_css, fw_web_uplot_css_end)},
      {"/favicon.svg", "image/svg+xml", between(fw_web_favicon_svg, fw_web_favicon_svg_end)},
  }};
  const auto* const found = std::ranges::find(assets, path, &Asset::path);
  return found == assets.end() ? nullptr : found;
}

}  // namespace fw::web
