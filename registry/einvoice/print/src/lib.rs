#![doc = include_str!("../README.md")]

mod html;
mod pdf;
mod sheet;
mod text;
mod words;

pub use pdf::PrintError;
pub use sheet::Sheet;
pub use words::Language;
