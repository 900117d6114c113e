//! The catalogue in memory.

/// The catalogue.
#[derive(Clone, Default)]
pub struct Catalogue {}
