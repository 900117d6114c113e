//! A page for a browser: whole in itself, without script and without anything from elsewhere.

use askama::Template;

use crate::sheet::Sheet;
use crate::words::Words;

#[derive(Template)]
#[template(path = "sheet.html")]
struct Page<'a> {
    sheet: &'a Sheet,
    words: &'a Words,
}

impl Sheet {
    /// The document as an HTML page, UTF-8.
    pub fn to_html(&self) -> Vec<u8> {
        let page = Page { sheet: self, words: self.words };
        page.render().expect("memory takes every character").into_bytes()
    }
}
