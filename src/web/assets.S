/* SPDX-License-Identifier: MIT */
/* The files of the page as bytes. */
  .section .rodata
  .global fw_web_index_html, fw_web_index_html_end
fw_web_index_html:
  .incbin "index.html"
fw_web_index_html_end:
  .global fw_web_app_js, fw_web_app_js_end
fw_web_app_js:
  .incbin "app.js"
fw_web_app_js_end:
  .global fw_web_charts_js, fw_web_charts_js_end
fw_web_charts_js:
  .incbin "charts.js"
fw_web_charts_js_end:
  .global fw_web_tables_js, fw_web_tables_js_end
fw_web_tables_js:
  .incbin "tables.js"
fw_web_tables_js_end:
  .global fw_web_style_css, fw_web_style_css_end
fw_web_style_css:
  .incbin "style.css"
fw_web_style_css_end:
  .global fw_web_uplot_js, fw_web_uplot_js_end
fw_web_uplot_js:
  .incbin "uplot.js"
fw_web_uplot_js_end:
  .global fw_web_uplot_css, fw_web_uplot_css_end
fw_web_uplot_css:
  .incbin "uplot.css"
fw_web_uplot_css_end:
  .global fw_web_favicon_svg, fw_web_favicon_svg_end
fw_web_favicon_svg:
  .incbin "favicon.svg"
fw_web_favicon_svg_end:
  .section .note.GNU-stack,"",%progbits
