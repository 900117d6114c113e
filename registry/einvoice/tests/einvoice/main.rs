//! Tests of the writer and the reader of e-invoices.

mod broken;
mod broken_peppol;
mod cases;
mod edit;
mod golden;
mod judge;
mod properties;
mod reading;
mod refusals;
