//! Invoices on their way: by folder and by requests to a receiver that fails in every way, found on the ledger, shown to officers.

#[path = "../bills_support/mod.rs"]
mod bills_support;
mod carriers;
mod killed;
mod pages;
mod receiver;
mod scene;
#[path = "../support/mod.rs"]
mod support;
