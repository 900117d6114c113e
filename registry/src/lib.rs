//! The operator's central database.
