//! Pages that fill from top to bottom, in points. Knows nothing of invoices.

use super::face::{Weight, face};

/// Width of A4.
pub(super) const WIDTH: f32 = 595.28;
/// Height of A4.
pub(super) const HEIGHT: f32 = 841.89;
/// What stays free at both sides and at the top.
pub(super) const MARGIN: f32 = 42.0;
/// Width between the margins.
pub(super) const INNER: f32 = WIDTH - 2.0 * MARGIN;
/// Where the last line of a page may stand.
const BOTTOM: f32 = HEIGHT - 58.0;
/// Where a page's foot stands.
pub(super) const FOOT: f32 = HEIGHT - 34.0;

/// Black.
pub(super) const INK: u8 = 20;
/// Of labels.
pub(super) const PALE: u8 = 90;
/// Of rules between rows.
pub(super) const RULE: u8 = 200;
/// Behind a table's head.
pub(super) const SHADE: u8 = 238;

/// Something on a page; the origin is its left upper corner.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// One line of text upon its base line.
    Text { x: f32, y: f32, size: f32, weight: Weight, shade: u8, text: String },
    /// A filled rectangle.
    Band { x: f32, y: f32, width: f32, height: f32, shade: u8 },
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) shade: u8,
}

impl Style {
    pub(super) const fn new(size: f32, weight: Weight, shade: u8) -> Self {
        Self { size, weight, shade }
    }

    /// From base line to base line.
    pub(super) fn leading(self) -> f32 {
        self.size * 1.32
    }

    /// A text in lines of at most a width.
    pub(super) fn lines(self, text: &str, width: f32) -> Vec<String> {
        face(self.weight).lines(text, self.size, width)
    }

    fn width(self, text: &str) -> f32 {
        face(self.weight).width(text, self.size)
    }
}

/// Pages under way.
pub(super) struct Flow {
    pages: Vec<Vec<Mark>>,
    /// Upper edge of what comes next.
    pub(super) y: f32,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self { pages: vec![Vec::new()], y: MARGIN }
    }

    /// Begins a page unless so much room is left; says whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let is_full = self.y + height > BOTTOM && self.y > MARGIN;
        if is_full {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
        is_full
    }

    pub(super) fn skip(&mut self, height: f32) {
        self.y += height;
    }

    fn mark(&mut self, mark: Mark) {
        self.pages.last_mut().expect("there is a page").push(mark);
    }

    /// One line of text with its upper edge at a height.
    pub(super) fn text(&mut self, (x, top): (f32, f32), style: Style, text: &str) {
        if !text.is_empty() {
            let Style { size, weight, shade } = style;
            self.mark(Mark::Text { x, y: top + size, size, weight, shade, text: text.to_owned() });
        }
    }

    /// One line of text that ends at `right`.
    pub(super) fn text_to(&mut self, (right, top): (f32, f32), style: Style, text: &str) {
        self.text((right - style.width(text), top), style, text);
    }

    /// A filled rectangle.
    pub(super) fn band(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), shade: u8) {
        self.mark(Mark::Band { x, y, width, height, shade });
    }

    /// A text in as many lines and pages as it needs.
    pub(super) fn paragraph(&mut self, style: Style, text: &str) {
        for line in style.lines(text, INNER) {
            self.need(style.leading());
            self.text((MARGIN, self.y), style, &line);
            self.skip(style.leading());
        }
    }

    /// The pages, with a foot on each that knows how many there are.
    pub(super) fn finish(mut self, style: Style, foot: impl Fn(usize, usize) -> (String, String)) -> Vec<Vec<Mark>> {
        let pages = std::mem::take(&mut self.pages);
        let count = pages.len();
        for (index, page) in pages.into_iter().enumerate() {
            self.pages.push(page);
            let (left, right) = foot(index + 1, count);
            self.text((MARGIN, FOOT), style, &left);
            self.text_to((WIDTH - MARGIN, FOOT), style, &right);
        }
        self.pages
    }
}
