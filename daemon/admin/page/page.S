// The page's style and script, as they are.
    .section .rodata
    .global skerry_page_css
    .global skerry_page_css_end
    .global skerry_page_js
    .global skerry_page_js_end
skerry_page_css:
    .incbin "page.css"
skerry_page_css_end:
skerry_page_js:
    .incbin "page.js"
skerry_page_js_end:
    .section .note.GNU-stack, "", %progbits
