//! Being founded.
