#![doc = include_str!("../README.md")]

mod anomaly;
mod archive;
mod audit;
mod check;
mod collect;
mod content;
mod export;
mod fault;
mod frame;
mod money;
mod page;
mod picture;
mod pipeline;
mod prove;
pub mod rate;
mod read;
mod replay;
mod report;
pub mod trial;
mod words;
mod year;

pub use anomaly::{Anomaly, Case, Limits};
pub use archive::{Archive, Change, Kept};
pub use audit::{Options, Progress, archive, audit};
pub use collect::Moved;
pub use content::{Entry, Extent, Foot, Head, VERSION, document_named};
pub use export::{Export, ExportError};
pub use fault::{Fault, rule};
pub use frame::{Flaw, MAGIC};
pub use money::{Equation, Recount, SourceMoney, equation};
pub use read::{Opening, Part, Reader};
pub use report::{FileFacts, REPORT_FORMAT, Report, TipFacts, Verdict, Verified};
pub use words::Language;
pub use year::{Both, Group, Row, Statements, YearFigures};
