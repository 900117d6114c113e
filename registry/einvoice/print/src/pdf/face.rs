//! The two fonts of a page: which glyph shows a character, and how wide text is.

use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};

/// Shown for a character that the fonts have not.
const UNKNOWN: char = '\u{fffd}';

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// One font.
pub(super) struct Face {
    font: Font,
    letters: Charmap<'static>,
    widths: GlyphMetrics<'static>,
    units: f32,
}

static REGULAR: LazyLock<Face> = LazyLock::new(|| Face::new(dejavu::sans_condensed::regular()));
static BOLD: LazyLock<Face> = LazyLock::new(|| Face::new(dejavu::sans_condensed::bold()));

/// The font of a weight.
pub(super) fn face(weight: Weight) -> &'static Face {
    match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    }
}

impl Face {
    fn new(bytes: &'static [u8]) -> Self {
        let parsed = FontRef::new(bytes).expect("the font is part of the program");
        let font = Font::new(bytes.into(), 0).expect("the font is part of the program");
        let units = font.units_per_em();
        let widths = parsed.glyph_metrics(Size::unscaled(), LocationRef::default());
        Self { font, letters: parsed.charmap(), widths, units }
    }

    /// For who draws with it.
    pub(super) fn font(&self) -> Font {
        self.font.clone()
    }

    /// Glyph and width, for a size of one. Characters of private use have no meaning outside a font.
    fn glyph(&self, character: char) -> (u32, f32) {
        let is_private = matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
        let own = self.letters.map(character).filter(|_| !is_private);
        let glyph = own.or_else(|| self.letters.map(UNKNOWN)).expect("the font shows what it does not have");
        (glyph.to_u32(), self.widths.advance_width(glyph).unwrap_or_default() / self.units)
    }

    /// The glyphs of a text, one a character.
    pub(super) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let shown = text.char_indices().map(|(at, character)| {
            let (glyph, width) = self.glyph(character);
            let range = at..at + character.len_utf8();
            KrillaGlyph::new(GlyphId::new(glyph), width, 0.0, 0.0, 0.0, range, None)
        });
        shown.collect()
    }

    /// How wide a text is.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|character| self.glyph(character).1 * size).sum()
    }

    /// A text in lines of at most a width, broken at spaces, and within words that are wider.
    pub(super) fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let space = self.width(" ", size);
            let length = self.width(word, size);
            if !line.is_empty() && used + space + length > width {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            if !line.is_empty() {
                line.push(' ');
                used += space;
            }
            for character in word.chars() {
                let length = self.glyph(character).1 * size;
                if used + length > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(character);
                used += length;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}
