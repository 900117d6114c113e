//! Prints documents: `cargo run --release -p keis-einvoice-print --example print -- lt FILE.xml…` writes a PDF and a page beside
//! each, and says how long that took.

use std::path::PathBuf;
use std::time::Instant;

use keis_einvoice_print::{Language, Sheet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let language: Language = arguments.next().ok_or("a language: lt or en")?.parse()?;
    for file in arguments.map(PathBuf::from) {
        let sheet = Sheet::of_xml(&std::fs::read(&file)?, language)?;
        let begun = Instant::now();
        let pdf = sheet.to_pdf()?;
        println!("{}: {} bytes in {:?}", file.display(), pdf.len(), begun.elapsed());
        std::fs::write(file.with_extension("pdf"), pdf)?;
        std::fs::write(file.with_extension("html"), sheet.to_html())?;
    }
    Ok(())
}
