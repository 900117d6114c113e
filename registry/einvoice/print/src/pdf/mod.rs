//! A document as pages: PDF/A-2u, fonts inside, dated by the document's day of issue, so equal documents give equal bytes.
//! `decisions/0001-pdf.md` says why it is laid out here.

mod face;
mod flow;
mod parts;

use krilla::Document;
use krilla::color::luma;
use krilla::configure::validate::Archival;
use krilla::configure::{Configuration, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::{SerializeSettings, error::KrillaError};

use crate::sheet::Sheet;

use face::face;
use flow::{HEIGHT, Mark, WIDTH};

/// Why no PDF is made.
#[derive(Debug, thiserror::Error)]
#[error("the document cannot be a PDF: {reason}")]
pub struct PrintError {
    /// What the writer of PDF says. It repeats no text of the document.
    reason: &'static str,
}

impl From<KrillaError> for PrintError {
    fn from(error: KrillaError) -> Self {
        let reason = match error {
            KrillaError::Font(..) => "a font",
            KrillaError::Validation(_) => "a rule of PDF/A",
            KrillaError::Limit(_) => "a limit of the format",
            KrillaError::DuplicateNamedDestination(_)
            | KrillaError::DuplicateTagId(..)
            | KrillaError::UnknownTagId(..) => "its structure",
        };
        Self { reason }
    }
}

impl Sheet {
    /// The document as a PDF.
    ///
    /// # Errors
    /// [`PrintError`], when the document exceeds what a PDF can hold.
    pub fn to_pdf(&self) -> Result<Vec<u8>, PrintError> {
        let settings = SerializeSettings { configuration: archival(), ..SerializeSettings::default() };
        let mut document = Document::new_with(settings);
        let day = self.issued;
        let date = DateTime::new(u16::try_from(day.year()).unwrap_or_default())
            .month(u8::try_from(day.month()).unwrap_or(1))
            .day(u8::try_from(day.day()).unwrap_or(1))
            .hour(0)
            .minute(0)
            .second(0)
            .utc_offset_hour(0);
        let metadata = Metadata::new()
            .title(self.heading())
            .language(self.words.language.tag().to_owned())
            .creator("KEIS".to_owned())
            .creation_date(date);
        document.set_metadata(metadata);
        for marks in parts::pages(self) {
            let size = PageSettings::from_wh(WIDTH, HEIGHT).expect("a page of this size can be");
            let mut page = document.start_page_with(size);
            let mut surface = page.surface();
            marks.iter().for_each(|mark| draw(&mut surface, mark));
            surface.finish();
            page.finish();
        }
        Ok(document.finish()?)
    }
}

/// What readers of archives may rely on: everything inside, all text as Unicode.
fn archival() -> Configuration {
    let builder = ConfigurationBuilder::new().with_archival_validator(Archival::A2_U);
    builder.finish().expect("one standard alone does not contradict itself")
}

fn draw(surface: &mut Surface<'_>, mark: &Mark) {
    let fill = |lightness: u8| Some(Fill { paint: luma::Color::new(lightness).into(), ..Fill::default() });
    match mark {
        Mark::Text { x, y, size, weight, shade, text } => {
            let face = face(*weight);
            surface.set_fill(fill(*shade));
            let glyphs = face.glyphs(text);
            surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, face.font(), text, *size, false);
        }
        Mark::Band { x, y, width, height, shade } => {
            surface.set_fill(fill(*shade));
            let mut path = PathBuilder::new();
            path.push_rect(Rect::from_xywh(*x, *y, *width, *height).expect("a band has a size"));
            surface.draw_path(&path.finish().expect("a rectangle is a path"));
        }
    }
}
